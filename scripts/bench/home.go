package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// settle makes a directory the home of a tool and gives the environment that says so. Tools see no credentials, proxies or settings of the user's, and
// sealos talks to the given registries without TLS and keeps images in the storage.
func settle(home, storage string, registries ...string) (env []string, err error) {
	var insecure strings.Builder
	for _, host := range registries {
		fmt.Fprintf(&insecure, "[[registry]]\nlocation = %q\ninsecure = true\n", host)
	}
	kept := fmt.Sprintf("[storage]\ndriver = %q\ngraphroot = %q\nrunroot = %q\n", storage, filepath.Join(home, "storage"), filepath.Join(home, "run"))
	for name, text := range map[string]string{"storage.conf": kept, "registries.conf": insecure.String(), "docker/config.json": "{}"} {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, fmt.Errorf("make home: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, fmt.Errorf("write settings: %w", err)
		}
	}
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "XDG_RUNTIME_DIR=" + home, "LANG=C.UTF-8",
		"DOCKER_CONFIG=" + filepath.Join(home, "docker"), "REGCTL_CONFIG=" + filepath.Join(home, "regctl.json"),
		"CLUSTER_IMAGE_CACHE=" + filepath.Join(home, "cache"),
		"CONTAINERS_STORAGE_CONF=" + filepath.Join(home, "storage.conf"), "CONTAINERS_REGISTRIES_CONF=" + filepath.Join(home, "registries.conf"),
		"SEALOS_RUNTIME_ROOT=" + filepath.Join(home, "sealos"), "SEALOS_DATA_ROOT=" + filepath.Join(home, "sealos-data"),
	}, nil
}
