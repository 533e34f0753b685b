package discover

import (
	"fmt"
	"path"
	"strings"
)

// manifests decodes the files of manifests/.
func (s *search) manifests() {
	s.each("manifests", func(name string) {
		switch strings.ToLower(path.Ext(name)) {
		case ".yaml", ".yml", ".json":
			s.manifest(name)
		case ".tmpl":
			s.template(name)
		}
	})
}

func (s *search) manifest(name string) {
	text, ok := s.read(name)
	if !ok {
		return
	}
	if line, message := s.scanText(text, Origin{File: name}); message != "" {
		s.fail(&Problem{File: name, Line: line, Err: fmt.Errorf("the file is not valid YAML: %s", message)})
	}
}

// template decodes a file that sealos fills in when the application starts, as far as the defaults of the Kubefile's ENV fill it in.
func (s *search) template(name string) {
	text, ok := s.read(name)
	if !ok {
		return
	}
	filled := fill(text, s.o.Start.Env)
	line, message := s.scanText(filled, Origin{File: name})
	s.scanLines(text, Origin{File: name})
	if message != "" && strings.Contains(strings.ToLower(filled), "image") {
		s.warn(name, line, "the template is no YAML before it is filled in (%s): from here on only lines with image: were read", message)
	}
}
