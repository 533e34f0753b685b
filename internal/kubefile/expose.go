package kubefile

import (
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// expose records ports: 80, 53/udp, 8000-8003/tcp.
func (e *evaluation) expose(c *instructions.ExposeCommand, line int) error {
	for _, word := range c.Ports {
		words, err := e.lex.ProcessWords(word, e)
		if err != nil {
			return e.problem(line, "EXPOSE: %s", err)
		}
		for _, w := range words {
			if err := e.port(w, line); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *evaluation) port(word string, line int) error {
	number, proto, ok := strings.Cut(word, "/")
	if !ok {
		proto = "tcp"
	}
	first, last, isRange := strings.Cut(number, "-")
	if !isRange {
		last = first
	}
	from, err1 := strconv.ParseUint(first, 10, 16)
	to, err2 := strconv.ParseUint(last, 10, 16)
	proto = strings.ToLower(proto)
	if err1 != nil || err2 != nil || from > to || proto != "tcp" && proto != "udp" && proto != "sctp" {
		return e.problem(line, "EXPOSE %s is not a port such as 80, 53/udp or 8000-8003/tcp", word)
	}
	for p := from; p <= to; p++ {
		put(&e.out.Config.ExposedPorts, strconv.FormatUint(p, 10)+"/"+proto, struct{}{})
	}
	return nil
}
