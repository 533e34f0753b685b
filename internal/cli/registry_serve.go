package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

func registryServeCommand(p *Program) *cli.Command {
	var address string
	return &cli.Command{
		Name:        "serve",
		Usage:       "serve a registry directory over HTTP, for reading only",
		ArgsUsage:   "DIR",
		UsageText:   "cluster-image registry serve registry --address 127.0.0.1:5050",
		Description: "Only this machine can reach it unless --address says otherwise. There is neither TLS nor a login. The address is printed when it serves.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "address", Usage: "listen on `HOST:PORT`; port 0 takes a free one", Value: "127.0.0.1:5000", Destination: &address},
		},
		Action: func(c *cli.Context) error {
			dir := c.Args().First()
			d, err := registrydir.Read(dir)
			if err != nil {
				return unservable(err)
			}
			l, err := net.Listen("tcp", address)
			if err != nil {
				return failure.New(failure.Usage, "%v", err).Advise("choose another --address; 127.0.0.1:0 takes a free port")
			}
			warnOpen(p, l.Addr())
			if err := p.Result("http://"+l.Addr().String(), map[string]string{"address": "http://" + l.Addr().String()}); err != nil {
				return errors.Join(err, l.Close())
			}
			return serveUntilDone(c.Context, l, registrydir.Handler(d))
		},
	}
}

// unservable says where registry directories are, if this is none.
func unservable(err error) error {
	if errors.Is(err, registrydir.ErrNotRegistry) {
		return failure.New(failure.Usage, "%w", err).Advise("a directory for several platforms has one registry in each of its subdirectories")
	}
	return unreadable(err)
}

func warnOpen(p *Program, a net.Addr) {
	if host, _, err := net.SplitHostPort(a.String()); err == nil && !net.ParseIP(host).IsLoopback() {
		p.Reporter().Warn("everyone who reaches %s can read these images: there is no login", a)
	}
}

// serveUntilDone serves until the run is interrupted, which is its proper end.
func serveUntilDone(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", strings.TrimSpace(l.Addr().String()), err)
	}
	return nil
}
