package main

import "path/filepath"

// The peers copy one image after another into one OCI layout, as their manuals show. Blobs that the layout has are not fetched again.

func saveRegctl(t tool, s saving) []step {
	return s.each(t, func(name, local string) []string {
		return []string{"--host", "reg=" + s.host + ",tls=disabled", "image", "copy", name, "ocidir://" + s.out + ":" + local}
	})
}

func saveOras(t tool, s saving) []step {
	return s.each(t, func(name, local string) []string {
		return []string{"cp", "--no-tty", "--from-plain-http", "--to-oci-layout", name, s.out + ":" + local}
	})
}

func saveSkopeo(t tool, s saving) []step {
	return s.each(t, func(name, local string) []string {
		return []string{"copy", "--insecure-policy", "--src-tls-verify=false", "--all", "--preserve-digests", "docker://" + name, "oci:" + s.out + ":" + local}
	})
}

// saveCrane needs one process for all images.
func saveCrane(t tool, s saving) []step {
	args := append([]string{"pull", "--insecure", "--format=oci"}, s.names()...)
	return []step{{Path: t.Path, Args: append(args, s.out), Env: s.env}}
}

// perArch is the directory for one architecture.
func perArch(dir, arch string) string { return filepath.Join(dir, "linux-"+arch) }
