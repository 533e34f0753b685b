package site_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/labring-actions/cluster-image/internal/profile"
	"github.com/labring-actions/cluster-image/internal/site"
)

// fixture is a small catalogue with one application of each sort.
func fixture() site.Catalogue {
	return site.Catalogue{
		Registry:   "docker.io/labring",
		Repository: "https://github.com/labring-actions/cluster-image",
		Schema:     true,
		Apps:       []site.App{nginx(), certManager(), helm(), minio(), kubeOVN(), nothing()},
	}
}

func image(ref string, amd64, arm64 int64) site.Image {
	return site.Image{Ref: ref, Digest: fmt.Sprintf("sha256:%064x", len(ref)*7919), Sizes: map[string]int64{"amd64": amd64, "arm64": arm64}}
}

func nginx() site.App {
	return site.App{
		Name: "nginx",
		Profile: profile.Profile{
			Dir: "latest", Description: "The nginx web server, by Bitnami's Helm chart", Home: "https://nginx.org", Licenses: "BSD-2-Clause", Categories: []string{"web"},
			Platforms: []string{"amd64", "arm64"}, Serves: ">=1.20.0", Example: "1.29.1", Uninstalls: true,
			Requirements: profile.Needs{Kubernetes: ">=1.23", Tools: []string{"helm"}},
			Variables: []profile.Variable{
				{Name: "NAME", Default: "nginx", About: "name of the release", Usual: "NAME"},
				{Name: "NAMESPACE", Default: "nginx", About: "its namespace, made when there is none", Usual: "NAMESPACE"},
				{Name: "CHARTS", Default: "./charts/nginx", About: "the chart in the image", Usual: "CHARTS"},
				{Name: "HELM_OPTS", Default: "--set service.type=NodePort", About: "further options of this recipe"},
			},
			Notes:   "It has an `index.html` of its own.\n\n    curl http://localhost:80/",
			Sources: []profile.Source{{Kind: "chart", Text: "nginx", From: "https://charts.bitnami.com/bitnami"}},
		},
		Versions: []site.Version{
			{
				Name: "1.29.1", Locked: true, Sizes: map[string]int64{"amd64": 182_400_000, "arm64": 179_100_000},
				Images: []site.Image{image("docker.io/bitnami/git:2.51.0-debian-12-r0", 91_200_000, 90_100_000), image("docker.io/bitnami/nginx:1.29.1-debian-12-r0", 72_100_000, 71_000_000)},
				Build:  &site.Build{Time: time.Date(2026, 11, 20, 4, 5, 6, 0, time.UTC), Digest: fmt.Sprintf("sha256:%064x", 77), URL: "https://github.com/labring-actions/cluster-image/actions/runs/1"},
			},
			{Name: "1.23.1"},
		},
	}
}

func certManager() site.App {
	return site.App{
		Name: "cert-manager",
		Profile: profile.Profile{
			Dir: "latest", Description: "Issues and renews X.509 certificates as Kubernetes resources", Home: "https://cert-manager.io", Licenses: "Apache-2.0",
			Categories: []string{"security"}, Platforms: []string{"amd64", "arm64"}, Serves: ">=1.7.0", Example: "v1.16.2", Uninstalls: true,
			Requirements: profile.Needs{Kubernetes: ">=1.25"},
			Variables:    []profile.Variable{{Name: "NAME", Default: "cert-manager", About: "name of the release"}},
			Sources: []profile.Source{
				{Kind: "chart", Text: "cert-manager", From: "https://charts.jetstack.io"},
				{Kind: "binary", Text: "opt/cmctl", From: "https://github.com/cert-manager/cert-manager/releases/download/{version}/cmctl-linux-{arch}.tar.gz"},
			},
		},
		Versions: []site.Version{{Name: "v1.16.2", Locked: true, Images: []site.Image{image("quay.io/jetstack/cert-manager-controller:v1.16.2", 21_000_000, 20_000_000)}, Sizes: map[string]int64{"amd64": 21_000_000, "arm64": 20_000_000}}},
		Others:   []profile.Profile{{Dir: "v1.6.0", Serves: "v1.6.0", Sources: []profile.Source{{Kind: "manifest", Text: "manifests/cert-manager.yaml", From: "https://example.com/cert-manager.yaml"}}}},
	}
}

func helm() site.App {
	return site.App{
		Name: "helm",
		Profile: profile.Profile{
			Dir: "latest", Description: "The command line tool of Helm, put into /usr/bin of the first master", Home: "https://helm.sh", Categories: []string{"cli", "developer-tools"},
			Platforms: []string{"amd64", "arm64"}, Example: "v3.16.4",
			Sources: []profile.Source{{Kind: "binary", Text: "opt/helm", From: "https://get.helm.sh/helm-{version}-linux-{arch}.tar.gz"}},
		},
		Versions: []site.Version{{Name: "v3.16.4", Locked: true}},
	}
}

func minio() site.App {
	return site.App{
		Name: "minio",
		Profile: profile.Profile{
			Dir: "latest", Description: "Object storage with the interface of " + strings.Repeat("AmazonS3", 9), Categories: []string{"storage"}, Platforms: []string{"amd64", "arm64"}, Example: "RELEASE.2024-08-03T04-33-23Z",
			Requirements: profile.Needs{StorageClass: true, Kubernetes: ">=1.25", Sealos: ">=4.3"},
			Variables: []profile.Variable{
				{Name: "ROOT_PASSWORD", Generated: true, About: "password of the first user"},
				{Name: "ADMIN_EMAIL", Required: true, About: "where notices are sent"},
				{Name: "SC_NAME", About: "the storage class"},
			},
		},
		Versions: []site.Version{{Name: "2022.5.9", Locked: true, Sizes: map[string]int64{"amd64": 55_000_000}}, {Name: "RELEASE.2024-08-03T04-33-23Z"}},
		Others:   []profile.Profile{{Dir: "2022.5.9", Example: "2022.5.9", Description: "Object storage by another chart"}},
	}
}

func kubeOVN() site.App {
	return site.App{
		Name: "kube-ovn",
		Profile: profile.Profile{
			Dir: "v1.12.0", Description: "A network for pods <on> Open \"Virtual\" Network", Categories: []string{"networking"}, Platforms: []string{"amd64"}, Patch: true,
			PlatformReason: "its images are built for amd64 alone", Example: "v1.12.0",
		},
		Versions: []site.Version{{Name: "v1.12.0"}},
	}
}

// nothing is an application of which next to nothing is known.
func nothing() site.App {
	return site.App{Name: "zz", Profile: profile.Profile{Scripted: true, Dir: "latest", Description: "Unknown", Platforms: []string{"amd64", "arm64"}}}
}

// many is a catalogue of n applications, each with three recorded versions.
func many(n int) site.Catalogue {
	c := fixture()
	c.Apps = nil
	for i := range n {
		a := nginx()
		a.Name = fmt.Sprintf("application-%03d", i)
		a.Versions = append([]site.Version{a.Versions[0], a.Versions[0]}, a.Versions...)
		for j := range 12 {
			a.Versions[0].Images = append(a.Versions[0].Images, image(fmt.Sprintf("quay.io/project-%d/component-%d:v1.%d.%d", i, j, i, j), 30_000_000, 29_000_000))
		}
		c.Apps = append(c.Apps, a)
	}
	return c
}
