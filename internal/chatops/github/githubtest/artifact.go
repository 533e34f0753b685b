package githubtest

import (
	"archive/zip"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

func (s *Server) listArtifacts(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var found []Artifact
	for _, a := range s.Artifacts {
		if q.Get("name") == "" || a.Name == q.Get("name") {
			found = append(found, a)
		}
	}
	page, _ := strconv.Atoi(q.Get("page"))
	size, _ := strconv.Atoi(q.Get("per_page"))
	from := min(max(page-1, 0)*size, len(found))
	out := []any{}
	for _, a := range found[from:min(from+size, len(found))] {
		out = append(out, map[string]any{
			"id": a.ID, "name": a.Name, "expired": false, "created_at": a.Created.Format(time.RFC3339), "workflow_run": map[string]any{"id": a.Run},
		})
	}
	answer(w, map[string]any{"total_count": len(found), "artifacts": out})
}

func (s *Server) findArtifact(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", s.URL+"/storage/"+r.PathValue("id")+"?signature=x")
	w.WriteHeader(http.StatusFound)
}

func (s *Server) fetchArtifact(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(s.Artifacts, func(a Artifact) bool { return fmt.Sprint(a.ID) == r.PathValue("id") })
	switch {
	case i < 0:
		notFound(w)
		return
	case s.Artifacts[i].Packed != nil:
		_, _ = w.Write(s.Artifacts[i].Packed)
		return
	}
	z := zip.NewWriter(w)
	defer z.Close()
	for _, name := range slices.Sorted(maps.Keys(s.Artifacts[i].Files)) {
		if f, err := z.Create(name); err == nil {
			_, _ = f.Write([]byte(s.Artifacts[i].Files[name]))
		}
	}
}

func (s *Server) getRun(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("run"), 10, 64)
	run, ok := s.Runs[id]
	if !ok {
		notFound(w)
		return
	}
	answer(w, map[string]any{
		"id": id, "event": run.Event, "path": run.Path, "head_branch": run.Branch, "head_repository": map[string]any{"full_name": run.Repository},
	})
}

func (s *Server) findPages(w http.ResponseWriter, _ *http.Request) {
	if s.Pages == nil {
		notFound(w)
		return
	}
	answer(w, map[string]any{"html_url": s.URL + "/site/"})
}

func (s *Server) fetchPage(w http.ResponseWriter, r *http.Request) {
	text, ok := s.Pages[r.PathValue("path")]
	if !ok {
		notFound(w)
		return
	}
	_, _ = w.Write([]byte(text))
}
