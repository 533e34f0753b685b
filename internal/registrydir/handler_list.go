package registrydir

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// pageSize is how many repositories a catalog has where the client does not say.
const pageSize = 100

func (h handler) catalog(w http.ResponseWriter, r *http.Request) (problem, bool) {
	names, p, ok := page(w, r, slices.Sorted(maps.Keys(h.dir.repos)), pageSize)
	if !ok {
		return p, false
	}
	return writeJSON(w, struct {
		Repositories []string `json:"repositories"`
	}{names})
}

func (h handler) tags(w http.ResponseWriter, r *http.Request, name string) (problem, bool) {
	repo, ok := h.dir.repos[name]
	if !ok || len(repo.tags) == 0 {
		return problem{http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry"}, false
	}
	tags, p, ok := page(w, r, slices.Sorted(maps.Keys(repo.tags)), len(repo.tags))
	if !ok {
		return p, false
	}
	return writeJSON(w, struct {
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}{name, tags})
}

// page is the part of a sorted list that the query's n and last ask for. A Link header leads to the next one.
func page(w http.ResponseWriter, r *http.Request, all []string, size int) ([]string, problem, bool) {
	query := r.URL.Query()
	if n := query.Get("n"); n != "" {
		var err error
		if size, err = strconv.Atoi(n); err != nil || size < 0 {
			return nil, problem{http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", "invalid number of results requested"}, false
		}
	}
	if last := query.Get("last"); last != "" {
		at, found := slices.BinarySearch(all, last)
		if found {
			at++
		}
		all = all[at:]
	}
	if len(all) <= size {
		return append([]string{}, all...), problem{}, true
	}
	all = all[:size]
	if size > 0 {
		next := url.URL{Path: r.URL.Path, RawQuery: url.Values{"last": {all[size-1]}, "n": {strconv.Itoa(size)}}.Encode()}
		w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, next.String()))
	}
	return append([]string{}, all...), problem{}, true
}
