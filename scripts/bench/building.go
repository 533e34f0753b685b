package main

// building is a cluster image that a tool is to build and push.
type building struct {
	saving
	// destination is the registry to push to, version what is built.
	destination, version string
	// again says that this tool has built the same before in this home.
	again bool
}

// target is where the image goes.
func (b building) target() string {
	return b.destination + "/" + application + "/app:" + b.version
}
