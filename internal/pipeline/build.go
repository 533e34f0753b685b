package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/cluster"
	"github.com/labring-actions/cluster-image/internal/disk"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/kubefile"
	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/publish"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// Order is what is to be built and where it goes.
type Order struct {
	Recipe recipe.Recipe
	// Platforms are the result of [Engine.ChoosePlatforms].
	Platforms []string
	ImageOptions
	// Output is what is written to disk; an empty path writes nothing.
	Output Output
	// Targets are the tags that are pushed.
	Targets []publish.Target
	// Meant are tags that somebody else will push the image to: they are read at the start as if they were targets, and left alone.
	Meant []publish.Target
	// DryRun stops when everything is resolved and nothing is fetched.
	DryRun bool
	// After is told of each stage that has ended well, with what there is so far; it may be nil.
	After func(stage string, b *Built)
	// Lock is what the build is held to; nil takes what there is.
	Lock *lock.Lock
	// Contexts is a directory that the build contexts are left in; empty throws them away.
	Contexts string
	// Until ends the run when that step has ended well; empty runs all.
	Until Step
	// Work is a directory in which the build contexts stay, for a later run of the same order, which takes them as they are. It needs no lock.
	Work string
}

// Step is one of the four.
type Step string

// The steps after which a run can end.
const (
	StepDownload Step = "download"
	StepSave     Step = "save"
)

// Built is what became of an order.
type Built struct {
	Needs Needs
	Plan  transfer.Plan
	// Index is the image; zero after a dry run. Its layers can be read until [Built.Close].
	Index assemble.Index
	// Contexts are the build contexts, and Registries the registry directories, by platform.
	Contexts   ByPlatform
	Registries map[string]*registrydir.Dir
	// Pushed has one report for each target.
	Pushed []publish.Report
	wants  []cluster.Want
	done   func()
}

// Close throws away what only the build needed.
func (b *Built) Close() {
	if b.done != nil {
		b.done()
	}
}

// Build runs the four steps. What was built must be closed, unless there is an error: then it holds nothing but what can be told, such as the targets
// that were pushed to.
func (e *Engine) Build(ctx context.Context, o Order) (*Built, error) {
	b := &build{Engine: e, order: o, stored: true}
	defer b.close()
	for _, s := range b.stages() {
		if err := s.run(ctx); err != nil {
			b.close()
			b.Close()
			return &b.Built, explain(err, o, s)
		}
		if o.After != nil && s.name != "" {
			o.After(s.name, &b.Built)
		}
	}
	return &b.Built, nil
}

// build is a run of the four steps.
type build struct {
	*Engine
	Built
	order    Order
	work     string
	resolved transfer.Resolution
	standing []publish.Standing
	meant    []publish.Standing
	session  *publish.Session
	record   *recipe.Record
	// stored says that all blobs come from the content store, which hashes what it gives.
	stored bool
}

// stage is a part of a run. Errors of one without a name say by themselves what they are about.
type stage struct {
	name  string
	class failure.Class
	run   func(context.Context) error
}

// stages are the build, in order.
func (b *build) stages() []stage {
	stages := []stage{
		{"check", failure.Registry, b.check},        // may the destinations be written, and what do their tags name now?
		{"download", failure.Recipe, b.download},    // the recipe leaves a context per platform
		{"", failure.Recipe, b.checkContext},        // can an image be made of that?
		{"discover", failure.Recipe, b.discover},    // which images do the contexts need?
		{"resolve", failure.Source, b.resolve},      // what are these, for every platform?
		{"registry", failure.Recipe, b.layOut},      // do they fit into one registry?
		{"", failure.Recipe, b.checkRegistry},       // does the build file take it in?
		{"", failure.Registry, b.compare},           // is it what a tag names that must stay?
		{"fetch", failure.Source, b.fetchAndOffer},  // move the blobs that the store lacks; layers go out meanwhile
		{"assemble", failure.Recipe, b.assembleAll}, // one image per platform, one index
		{"", failure.Internal, b.remember},          // what was it built of?
		{"write", failure.Usage, b.write},           // the archive on disk
		{"push", failure.Registry, b.push},          // the rest of the layers, manifests, index, tag
	}
	switch {
	case b.order.DryRun:
		return stages[1:7]
	case b.order.Until == StepDownload:
		return stages[:3]
	case b.order.Until == StepSave:
		return stages[:9]
	}
	return stages
}

// explain adds which application an error is about, and what [at] adds.
func explain(err error, o Order, s stage) error {
	step := s.name
	if step == "check" { // nothing has begun
		step = ""
	}
	f := at(step, s.class, err)
	f.App = o.Recipe.Name + " " + o.Recipe.Version
	return f
}

// at adds the step that an error happened in, and its class where nothing closer to it knows.
func at(step string, class failure.Class, err error) *failure.Failure {
	f := &failure.Failure{Step: step, Err: disk.ExplainAnywhere(err)}
	if known := failure.Describe(err); known == nil || known.Class == "" {
		f.Class = class
	}
	return f
}

func (b *build) check(ctx context.Context) (err error) {
	if err := b.order.Output.Check(len(b.order.Platforms)); err != nil {
		return err
	}
	if len(b.order.Targets) > 0 {
		if b.standing, err = publish.Check(ctx, b.client, b.order.Targets); err != nil {
			return err
		}
	}
	for _, t := range b.order.Meant {
		s, err := publish.Read(ctx, b.client, t)
		if err != nil {
			b.Reporter.Note("%s can't be looked at: %v", t.Ref, err)
		}
		b.meant = append(b.meant, s)
	}
	return b.foresee(ctx)
}

func (b *build) download(ctx context.Context) error {
	work, done, err := b.workspace()
	if err != nil {
		return err
	}
	b.work, b.done = work, done
	dir := b.order.Contexts
	if dir == "" {
		dir = filepath.Join(work, "contexts")
	}
	if b.order.Work != "" {
		var done bool
		if dir, done, err = b.kept(); err != nil || done {
			return err
		}
	}
	b.record = new(recipe.Record)
	b.Contexts, err = b.Engine.download(ctx, b.order.Recipe, b.order.Platforms, dir, held{b.order.Lock, b.record})
	if err == nil {
		err = b.holdDownload()
	}
	return advise(err, b.order.Recipe)
}

// kept is where the contexts of this very order are, and whether an earlier run left them all.
func (b *build) kept() (dir string, done bool, err error) {
	origin, err := b.order.origin()
	if err != nil {
		return "", false, err
	}
	dir = filepath.Join(b.order.Work, origin)
	contexts := Below(dir, b.order.Platforms)
	for _, p := range contexts.Dirs() {
		if entries, err := os.ReadDir(p); err != nil || len(entries) == 0 {
			return dir, false, os.MkdirAll(b.order.Work, 0o755)
		}
	}
	b.Contexts = contexts
	return dir, true, nil
}

func (b *build) discover(ctx context.Context) (err error) {
	if !b.order.holdsImages() {
		return nil
	}
	b.Built.Needs, err = b.Engine.Needs(ctx, b.Contexts)
	b.Built.Needs.lock = b.order.Lock
	return err
}

func (b *build) resolve(ctx context.Context) (err error) {
	b.resolved, err = b.Resolve(ctx, b.Contexts, b.Built.Needs)
	b.Plan, b.wants = b.transfer.Plan(b.resolved), wantsOf(b)
	b.Reporter.Images(len(b.resolved.Images))
	return advise(err, b.order.Recipe)
}

func (b *build) layOut(ctx context.Context) (err error) {
	if b.Registries, err = b.registries(ctx, b.order.Platforms, b.Contexts, b.resolved, nil); err != nil {
		return err
	}
	b.stored = !b.Contexts.bringImages()
	return nil
}

func (b *build) checkContext(ctx context.Context) error {
	if err := b.checkKind(); err != nil {
		return err
	}
	if err := checkContexts(ctx, b.Contexts, nil, b.order.ImageOptions); err != nil {
		return b.forgive(err)
	}
	return b.checkArguments()
}

// checkArguments warns of arguments that no build file asks for: what was meant stays as it is.
func (b *build) checkArguments() error {
	asked := map[string]bool{}
	for _, dir := range b.Contexts.Dirs() {
		k, err := kubefile.Load(dir)
		if err != nil {
			return err
		}
		for _, name := range k.Args() {
			asked[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.order.Arguments)) {
		if !asked[name] {
			b.Reporter.Warn("--build-arg %s changes nothing: the build file has no ARG %[1]s", name)
		}
	}
	return nil
}

// forgive lets a dry run go on where only a container engine can build: it builds nothing.
func (b *build) forgive(err error) error {
	if b.order.DryRun && errors.Is(err, kubefile.ErrEngine) {
		return nil
	}
	return err
}

func (b *build) checkRegistry(ctx context.Context) error {
	return b.forgive(checkContexts(ctx, b.Contexts, b.Registries, b.order.ImageOptions))
}

// fetchAndOffer fetches, and lets each blob that will be a layer of its own go out as soon as it is in.
func (b *build) fetchAndOffer(ctx context.Context) error {
	if len(b.standing) == 0 {
		return b.fetch(ctx, b.Plan, transfer.FetchOptions{})
	}
	b.begin(ctx)
	early, err := b.earlyLayers()
	if err != nil {
		return err
	}
	return b.fetch(ctx, b.Plan, transfer.FetchOptions{InTurn: true, OnBlob: func(d v1.Descriptor) {
		make, ok := early[d.Digest]
		facts, known := b.store.Layer(d.Digest)
		if ok && known {
			b.session.Offer(make(facts))
		}
	}})
}

// begin starts the push.
func (b *build) begin(ctx context.Context) {
	b.session = publish.Begin(ctx, publish.Options{
		Client: b.client, Places: b.store, Reporter: b.Reporter, Jobs: b.Jobs, Refetch: b.refetch,
	}, b.standing)
}

// earlyLayers are the blobs that become layers of their own, in any platform's image.
func (b *build) earlyLayers() (map[v1.Hash]assemble.LayerMaker, error) {
	all := map[v1.Hash]assemble.LayerMaker{}
	for _, p := range b.order.Platforms {
		makers, err := assemble.BlobLayers(b.Registries[p], b.stored)
		if err != nil {
			return nil, err
		}
		for d, m := range makers {
			all[d] = m
		}
	}
	return all, nil
}

// refetch brings a blob anew that turned out to be damaged, unless it is only what arrived elsewhere that is.
func (b *build) refetch(ctx context.Context, d v1.Hash) error {
	if b.store.Verify(ctx, d) == nil {
		return nil
	}
	for _, blob := range b.Plan.Blobs {
		if blob.Desc.Digest == d {
			plan := transfer.Plan{Blobs: []transfer.Blob{blob}}
			plan.Blobs[0].Stored = false
			return b.transfer.Fetch(ctx, plan, transfer.FetchOptions{})
		}
	}
	return fmt.Errorf("fetch blob %s again: nothing in this build asks for it", d)
}

func (b *build) assembleAll(ctx context.Context) error {
	return b.healing(ctx, func() (err error) {
		b.Index, err = b.assemble(ctx, b.materials(), b.order.ImageOptions)
		return err
	})
}

func (b *build) materials() materials {
	return materials{b.Contexts, b.Registries, b.work, b.stored}
}

// remember notes what the image was built of.
func (b *build) remember(context.Context) error {
	origin, err := b.order.origin()
	if err != nil {
		return err
	}
	return b.store.RememberOrigin(b.Index.Digest, origin)
}

// healing runs f, and once more if a blob of the store turned out to be damaged.
func (b *build) healing(ctx context.Context, f func() error) error {
	return b.Engine.healing(ctx, b.resolved, transfer.FetchOptions{}, f)
}

func (b *build) write(ctx context.Context) error {
	if b.order.Output.Path == "" {
		return nil
	}
	return b.step("write", b.order.Output.Path, func() error {
		return b.healing(ctx, func() error { return b.order.Output.Write(ctx, b.Index) })
	})
}

func (b *build) push(ctx context.Context) error {
	if len(b.standing) == 0 {
		return nil
	}
	if b.session == nil {
		b.begin(ctx)
	}
	return b.step("push", "", func() (err error) {
		b.Pushed, err = b.session.Finish(ctx, b.Index)
		return err
	})
}

func (b *build) close() {
	if b.session != nil {
		b.session.Close()
	}
}
