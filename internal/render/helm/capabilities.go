package helm

import (
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"

	"github.com/labring-actions/cluster-image/internal/render"
)

// apiVersions is the list of the built-in API versions; Has answers for more.
type apiVersions []string

// Has says that a cluster may serve the API version or kind: every built-in one, and every custom one, since a chart asks before it uses an
// operator's resources. What only OpenShift or one cloud has is not there, because charts choose other images for those, nor what Kubernetes
// has removed.
func (a apiVersions) Has(version string) bool {
	if slices.Contains(a, version) {
		return true
	}
	group, rest, _ := strings.Cut(version, "/")
	for _, foreign := range []string{"openshift.io", "gke.io", "cloud.google.com", "amazonaws.com", "k8s.aws", "azure.com"} {
		if group == foreign || strings.HasSuffix(group, "."+foreign) {
			return false
		}
	}
	return !removed(group, rest)
}

// removed names the beta versions that current clusters do not serve.
func removed(group, rest string) bool {
	switch group {
	case "extensions":
		return true
	case "policy", "batch", "apps", "autoscaling", "networking.k8s.io", "rbac.authorization.k8s.io", "apiextensions.k8s.io", "storage.k8s.io":
		return strings.Contains(rest, "alpha") || strings.Contains(rest, "beta")
	}
	return false
}

// capabilities is what .Capabilities is: helm's own, with a set of API versions that answers for itself.
type capabilities struct {
	*common.Capabilities
	APIVersions apiVersions
}

func newCapabilities(version string) (*common.Capabilities, error) {
	if version == "" {
		version = render.KubeVersion
	}
	v, err := common.ParseKubeVersion(version)
	if err != nil {
		return nil, fmt.Errorf("read Kubernetes version %q: %w", version, err)
	}
	c := common.DefaultCapabilities.Copy()
	c.KubeVersion = *v
	return c, nil
}

func permissive(c *common.Capabilities) *capabilities {
	return &capabilities{Capabilities: c, APIVersions: apiVersions(c.APIVersions)}
}
