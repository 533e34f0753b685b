package discover

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// origin is the place of a node. Text is left to the caller.
func (d *document) origin(n *yaml.Node, w where, kind string, maybe bool) Origin {
	o := d.base
	o.Line += n.Line - 1
	o.Path, o.Object, o.Kind = w.trail.String(), w.object, kind
	if o.Maybe = maybe || w.maybe || d.base.Maybe; w.kind != "" {
		o.Kind = w.kind
	}
	if d.base.Kind != "" {
		o.Kind = d.base.Kind
	}
	return o
}

// take adds the value of a node as an image. What is no reference is left out: of a sure place with a warning.
func (d *document) take(n *yaml.Node, text string, w where, kind string, maybe bool) {
	o := d.origin(n, w, kind, maybe)
	if templated(text) {
		if !o.Maybe && w.object != "" {
			d.finds.warn(o.File, o.Line, "%s of %s is %q, which is filled in later: if it is an image of this context, add it to images/shim", o.Path, w.object, text)
		}
		return
	}
	if o.Text = candidate(text); o.Text == "" {
		return
	}
	if !d.finds.add(o) && !o.Maybe && kind == kindContainer {
		_, err := reference.Parse(o.Text)
		d.finds.warn(o.File, o.Line, "%s of %s: %v", o.Path, w.object, err)
	}
}

// pod looks at the lists that a pod spec has, wherever they stand: custom resources hold pod specs too.
func (d *document) pod(f fields, w where, used map[string]bool) {
	for _, key := range []string{"containers", "initContainers", "ephemeralContainers"} {
		n := f.get(key)
		if n == nil || resolve(n).Kind != yaml.SequenceNode {
			continue
		}
		for i, c := range resolve(n).Content {
			d.container(c, w.under(key).at(i))
		}
	}
	if n := f.get("container"); n != nil && flatten(n, 0).text("image") != "" {
		d.container(n, w.under("container"))
	}
	if n := f.get("volumes"); n != nil && resolve(n).Kind == yaml.SequenceNode {
		for i, c := range resolve(n).Content {
			if image := get(flatten(c, 0), "image"); image.text("reference") != "" {
				d.take(image.get("reference"), image.text("reference"), w.under("volumes").at(i).under("image").under("reference"), kindVolume, false)
			}
		}
	}
}

func (d *document) container(n *yaml.Node, w where) {
	f := flatten(n, 0)
	image := f.get("image")
	if !isText(image) || image.Tag != "!!str" {
		return
	}
	if f.text("repository") == "" {
		d.take(image, image.Value, w.under("image"), kindContainer, w.object == "")
	}
}

// scalar looks at a value by its key.
func (d *document) scalar(key string, n *yaml.Node, w where) {
	switch {
	case w.crd:
		if key == "default" && w.trail != nil && imageKey(w.trail.up.name()) && isText(n) {
			d.take(n, n.Value, w, kindCRD, true)
		}
		return
	case !isText(n) || n.Tag != "!!str":
		return
	case variableKey(key) && d.several(n, w):
		return
	case strings.Contains(n.Value, "\n"):
	case variableKey(key):
		d.take(n, n.Value, w, kindEnv, true)
		return
	case imageKey(key):
		d.take(n, n.Value, w, kindKey, d.doubtful(key, n.Value, w))
		return
	case d.inEnv(w) && isLocated(n.Value):
		d.take(n, n.Value, w, kindEnv, true)
		return
	case w.kind == kindText && isLocated(n.Value):
		d.take(n, n.Value, w, kindText, true)
		return
	}
	d.embedded(n, w)
}

// doubtful says whether the value of an image-like key may be no image: outside of an object, in an annotation or in arguments, and when it has
// neither tag nor digest unless it is called image and has a path.
func (d *document) doubtful(key, value string, w where) bool {
	if w.object == "" {
		return true
	}
	for t := w.trail.up; t != nil; t = t.up {
		if t.key == "annotations" || t.key == "labels" || strings.HasSuffix(strings.ToLower(t.key), "args") {
			return true
		}
	}
	return !pinned(value) && (key != "image" || !strings.Contains(value, "/"))
}

func (d *document) inEnv(w where) bool {
	up := w.trail
	if up != nil {
		up = up.up
	}
	return strings.HasSuffix(strings.ToLower(up.name()), "env")
}

// variable looks at {name: PROXY_IMAGE, value: …}.
func (d *document) variable(f fields, w where, used map[string]bool) {
	name, value := f.text("name"), f.get("value")
	if name == "" || !isText(value) || value.Tag != "!!str" {
		return
	}
	if variableKey(name) || d.inEnvList(w) && isLocated(value.Value) || imageKey(name) {
		used["value"] = true
		if !d.several(value, w.under("value")) {
			d.take(value, value.Value, w.under("value"), kindEnv, true)
		}
	}
}

// several looks at the images of a variable that holds a list of them, or of pairs: 4.2.0=quay.io/strimzi/kafka:4.2.0 on each line. It says whether
// there was any.
func (d *document) several(n *yaml.Node, w where) (found bool) {
	words := wordsOf(n.Value)
	for _, word := range words {
		if len(words) > 1 && (isLocated(word) || pinned(word) && strings.Contains(word, "/")) {
			found = true
			d.take(n, word, w, kindEnv, true)
		}
	}
	return found
}

func (d *document) inEnvList(w where) bool {
	return strings.HasSuffix(strings.ToLower(w.trail.name()), "env")
}

// images is a list under the key images: of strings, or kustomize's of {name, newName, newTag}.
func (d *document) images(n *yaml.Node, w where) {
	for i, c := range n.Content {
		at := w.at(i)
		switch c = resolve(c); c.Kind {
		case yaml.ScalarNode:
			if isText(c) && pinned(c.Value) {
				d.take(c, c.Value, at, kindKey, true)
			}
		case yaml.MappingNode:
			f := flatten(c, 0)
			name := f.text("newName", "name")
			if tag := f.text("newTag"); tag != "" && name != "" {
				d.take(c, name+":"+tag, at, kindMap, true)
			}
			d.walk(n.Content[i], at)
		}
	}
}

// imageMap looks at an image in parts: registry, repository, tag, digest under the names that they go by.
func (d *document) imageMap(f fields, w where, used map[string]bool) {
	registry := f.text("registry", "hub", "imageRegistry")
	repository := f.text("repository", "imageRepository")
	image := f.text("image")
	tag := f.text("tag", "imageTag")
	digest := f.text("digest", "sha", "imageDigest")
	parent := w.trail.name()
	imageLike := imageKey(parent) || slices.Contains([]string{"images", "image"}, parent)
	maybe := !(imageLike || registry != "" || digest != "" || f.get("pullPolicy") != nil || f.get("imagePullPolicy") != nil)
	switch {
	case repository != "" && image != "" && !strings.Contains(image, "/") && !pinned(image):
		// The operator of NVIDIA's GPUs: {repository: nvcr.io/nvidia, image: driver, version: 535.1}.
		repository, maybe, used["image"] = repository+"/"+image, false, true
		if tag == "" {
			tag = f.text("version")
		}
	case repository == "" && image != "" && !pinned(image):
		repository, maybe = image, false
		if tag == "" {
			tag, maybe = f.text("version"), true
		}
		used["image"] = tag != "" || digest != ""
	case repository == "" && imageLike:
		repository = f.text("name")
	case repository != "" && tag == "" && digest == "" && f.get("chart") == nil:
		// Many operators: {repository: quay.io/coreos/etcd, version: v3.5.0}. So charts and sources of code are written, too.
		if v := f.text("version"); v != "" && (imageLike || isLocated(compose(registry, repository, v, "")) && !strings.HasPrefix(repository, "github.com/")) {
			tag, maybe = v, true
		}
	}
	if repository == "" || tag == "" && digest == "" {
		return
	}
	text := compose(registry, repository, tag, digest)
	n := f.get(first(f, "repository", "imageRepository", "image", "name"))
	d.take(n, text, w, kindMap, maybe || w.object == "")
}

func first(f fields, keys ...string) string {
	for _, k := range keys {
		if isText(f.get(k)) {
			return k
		}
	}
	return ""
}

// compose makes a reference of its parts.
func compose(registry, repository, tag, digest string) string {
	s := strings.Trim(repository, "/")
	if registry != "" {
		s = strings.TrimSuffix(registry, "/") + "/" + s
	}
	if strings.HasPrefix(tag, "sha256:") {
		tag, digest = "", tag
	}
	if strings.HasPrefix(tag, "@") || strings.HasPrefix(tag, ":") {
		s, tag = s+tag, ""
	}
	if tag != "" {
		s += ":" + tag
	}
	if digest != "" {
		if !strings.Contains(digest, ":") {
			digest = "sha256:" + digest
		}
		s += "@" + strings.TrimPrefix(digest, "@")
	}
	return s
}

// embedded follows a text of a scalar that is YAML or JSON itself, as the data of a ConfigMap is. What it finds is a maybe.
func (d *document) embedded(n *yaml.Node, w where) {
	text := n.Value
	if d.depth >= maxEmbedded || w.crd || len(text) > maxDocument/16 || !strings.Contains(strings.ToLower(text), "image") {
		return
	}
	if !strings.Contains(text, "\n") && !strings.HasPrefix(strings.TrimSpace(text), "{") && !strings.HasPrefix(strings.TrimSpace(text), "[") {
		return
	}
	base := d.base
	base.Line += n.Line - 1
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		base.Line++
	}
	base.Maybe, base.Kind = true, kindText
	if d.base.Kind != "" {
		base.Kind = d.base.Kind
	}
	scanDocuments(text, &document{finds: d.finds, base: base, depth: d.depth + 1}, w)
}
