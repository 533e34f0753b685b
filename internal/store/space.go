package store

import "github.com/labring-actions/cluster-image/internal/disk"

// SpaceError means that the store's file system takes no more: it is full, or it is read-only.
type SpaceError = disk.SpaceError

// cacheFlag chooses where the store is.
const cacheFlag = "--cache"

// spaceError makes a SpaceError of an error that says so, and leaves every other as it is.
func spaceError(err error, path string, need int64) error {
	return disk.Explain(err, path, need, cacheFlag)
}

// Room says whether bytes more fit: nil, or a [SpaceError]. Where the free space cannot be told, they do.
func (s *Store) Room(bytes int64) error { return disk.Room(s.dir, bytes, cacheFlag) }
