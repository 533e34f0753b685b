package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

var commitHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

// Repository is one commit of a git repository, fetched without its history into a directory of the caller's.
type Repository struct {
	// Commit is its hash.
	Commit string
	tree   *object.Tree
}

// Clone fetches the commit that a tag, a branch or a hash names, over HTTP, into an empty directory. No git is needed on the machine.
func (c *Client) Clone(ctx context.Context, address, ref, dir string) (*Repository, error) {
	u, err := c.address(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 6*c.limit(), fmt.Errorf("not done after %s", 6*c.limit()))
	defer cancel()
	for n := 1; ; n++ {
		r, err := c.clone(ctx, u.String(), ref, dir)
		switch {
		case err == nil:
			return r, nil
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case errors.Is(err, ErrMissing) || n == attempts:
		default:
			if err := c.wait(ctx, time.Second<<n/2); err == nil {
				continue
			}
		}
		return nil, fmt.Errorf("%w: %s at %s: %w%s", ErrSource, u.Redacted(), ref, err, tries(n))
	}
}

func (c *Client) clone(ctx context.Context, address, ref, dir string) (*Repository, error) {
	endpoint, err := transport.NewEndpoint(address)
	if err != nil {
		return nil, err
	}
	session, err := githttp.NewClient(c.client()).NewUploadPackSession(endpoint, nil)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	advertised, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, err
	}
	commit, err := findRef(advertised, ref)
	if err != nil {
		return nil, err
	}
	store := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRU(16*cache.MiByte))
	if err := fetchPack(ctx, session, advertised, commit, store); err != nil {
		return nil, err
	}
	return open(store, commit)
}

// findRef gives the commit of a tag, a branch or a hash.
func findRef(a *packp.AdvRefs, ref string) (plumbing.Hash, error) {
	if commitHash.MatchString(ref) {
		return plumbing.NewHash(ref), nil
	}
	for _, prefix := range []string{"refs/tags/", "refs/heads/"} {
		if h, ok := a.Peeled[prefix+ref]; ok {
			return h, nil
		}
		if h, ok := a.References[prefix+ref]; ok {
			return h, nil
		}
	}
	return plumbing.ZeroHash, fmt.Errorf("%w: there is neither a tag nor a branch of that name", ErrMissing)
}

func fetchPack(ctx context.Context, s transport.UploadPackSession, a *packp.AdvRefs, commit plumbing.Hash, store *filesystem.Storage) error {
	req := packp.NewUploadPackRequestFromCapabilities(a.Capabilities)
	req.Wants = []plumbing.Hash{commit}
	if a.Capabilities.Supports(capability.Shallow) {
		req.Depth = packp.DepthCommits(1)
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return err
		}
	}
	resp, err := s.UploadPack(ctx, req)
	if err != nil {
		return err
	}
	defer resp.Close()
	if err := store.SetShallow(resp.Shallows); err != nil {
		return err
	}
	var pack io.Reader = resp
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, resp)
	case req.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, resp)
	}
	return packfile.UpdateObjectStorage(store, io.LimitReader(pack, MaxFile))
}

// open gives the files of a commit; of an annotated tag asked for by its own hash, those of its commit.
func open(store *filesystem.Storage, h plumbing.Hash) (*Repository, error) {
	commit, err := object.GetCommit(store, h)
	if err != nil {
		tag, tagErr := object.GetTag(store, h)
		if tagErr != nil {
			return nil, err
		}
		if commit, err = tag.Commit(); err != nil {
			return nil, err
		}
	}
	tree, err := commit.Tree()
	if err != nil {
		return nil, err
	}
	return &Repository{Commit: commit.Hash.String(), tree: tree}, nil
}

// Walk visits the files and links of the commit in the order of their paths. Submodules are left out.
func (r *Repository) Walk(ctx context.Context, visit func(Item) error) error {
	w := &walk{ctx: ctx, visit: visit}
	return r.tree.Files().ForEach(func(f *object.File) error {
		content, err := f.Reader()
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Name, err)
		}
		defer content.Close()
		e := Item{Mode: 0o644, Content: content}
		switch f.Mode {
		case filemode.Executable:
			e.Mode = 0o755
		case filemode.Symlink:
			target, err := io.ReadAll(io.LimitReader(content, maxLink))
			if err != nil {
				return fmt.Errorf("read %s: %w", f.Name, err)
			}
			e = Item{Mode: fs.ModeSymlink, Link: string(target)}
		}
		return w.entry(f.Name, e)
	})
}
