package outcome

// Difference compares the container images that a build would have had before a change with those that it has.
func Difference(before, now Outcome) *Changes {
	c := compare(heldBy(before), heldBy(now))
	c.Against = "the default branch"
	return c
}

// heldBy takes the images of a build for those of a finished one.
func heldBy(o Outcome) []held {
	var out []held
	for _, i := range o.Images {
		repository, tag := split(i.Image)
		out = append(out, held{Repository: repository, Tag: tag, Digest: i.Digest, Platform: i.Platform})
	}
	return out
}

// split parts a reference before its tag or digest.
func split(image string) (repository, tag string) {
	for i := len(image) - 1; i >= 0 && image[i] != '/'; i-- {
		if image[i] == '@' {
			return image[:i], image[i+1:]
		}
	}
	for i := len(image) - 1; i >= 0 && image[i] != '/'; i-- {
		if image[i] == ':' {
			return image[:i], image[i+1:]
		}
	}
	return image, ""
}
