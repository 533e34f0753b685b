package main

import (
	"context"
	"os"
)

// serve makes the set and leaves it to others until it is interrupted.
func serve(ctx context.Context, o *options) error {
	b := &bench{options: o, log: os.Stderr}
	source, err := startServer(ctx, b.work)
	if err != nil {
		return err
	}
	defer source.close()
	if _, err := b.fill(ctx, source); err != nil {
		return err
	}
	slow, err := startProxy(source.host, network{o.Latency, o.Rate})
	if err != nil {
		return err
	}
	defer slow.close()
	b.say("the set is at %s, and behind a slow network at %s", source.host, slow.host)
	for _, image := range standardSet("v1") {
		b.say("%s/%s", source.host, image.name())
	}
	<-ctx.Done()
	return nil
}
