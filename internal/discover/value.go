package discover

import (
	"regexp"
	"strings"
)

// imageKey says whether a key of that name holds an image: image, sidecarImage, x-image, proxy_image, imageName. Of an annotation the part
// behind the slash counts.
func imageKey(key string) bool {
	k := strings.ToLower(key[strings.LastIndexByte(key, '/')+1:])
	if strings.HasSuffix(k, "image") {
		return true
	}
	rest, ok := strings.CutPrefix(k, "image")
	if !ok {
		return false
	}
	switch strings.TrimLeft(rest, "_-") {
	case "name", "ref", "reference", "url", "uri":
		return true
	}
	return false
}

// variableKey says whether the key is spelled as an environment variable that holds an image: PROXY_IMAGE, RELATED_IMAGE_ETCD.
func variableKey(key string) bool {
	return strings.Contains(key, "IMAGE") && key == strings.ToUpper(key) && !strings.Contains(key, "PULL")
}

// pinned says whether the reference has a tag or a digest.
func pinned(s string) bool {
	return strings.Contains(s[strings.LastIndexByte(s, '/')+1:], ":") || strings.Contains(s, "@")
}

// templated says whether something is still to be filled in.
func templated(s string) bool {
	for _, mark := range []string{"{{", "}}", "$(", "${", "<no value>", placeholder} {
		if strings.Contains(s, mark) {
			return true
		}
	}
	return strings.HasPrefix(s, "<") || strings.HasPrefix(s, "$")
}

// picture says whether the value names a picture rather than a container image, as image: does in some dashboards.
func picture(s string) bool {
	for _, ending := range []string{".png", ".svg", ".jpg", ".jpeg", ".gif", ".ico", ".webp", ".iso", ".qcow2", ".img"} {
		if strings.HasSuffix(strings.ToLower(s), ending) {
			return true
		}
	}
	return false
}

// located is a reference that can hardly be anything else: a host with a dot or localhost, a path, and a tag or digest.
var located = regexp.MustCompile(`^([a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]+)?|localhost(:[0-9]+)?)/[a-z0-9][a-z0-9._/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$`)

func isLocated(s string) bool { return len(s) <= 512 && located.MatchString(s) }

// candidate is the text of a value that may be a reference, or empty.
func candidate(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "docker://")
	if s == "" || len(s) > 512 || strings.ContainsAny(s, " \t\r\n") || strings.Contains(s, "://") || picture(s) {
		return ""
	}
	return s
}
