package registrydir

import (
	"errors"
	"io"
)

// seeker makes any content seek: by the content's own means, else by reading on, from the start again where that lies behind.
type seeker struct {
	open func() (io.ReadCloser, error)
	r    io.ReadCloser
	size int64
	// at is where r is, want is where the next byte is wanted.
	at, want int64
}

// Seek implements [io.Seeker]. It moves nothing yet.
func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.want
	case io.SeekEnd:
		offset += s.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start")
	}
	s.want = offset
	return offset, nil
}

// Read implements [io.Reader].
func (s *seeker) Read(p []byte) (int, error) {
	if s.at != s.want {
		if err := s.move(); err != nil {
			return 0, err
		}
	}
	n, err := s.r.Read(p)
	s.at += int64(n)
	s.want = s.at
	return n, err
}

func (s *seeker) move() error {
	if own, ok := s.r.(io.Seeker); ok {
		at, err := own.Seek(s.want, io.SeekStart)
		s.at = at
		return err
	}
	if s.want < s.at {
		if err := s.restart(); err != nil {
			return err
		}
	}
	n, err := io.CopyN(io.Discard, s.r, s.want-s.at)
	s.at += n
	return err
}

func (s *seeker) restart() error {
	if err := s.r.Close(); err != nil {
		return err
	}
	r, err := s.open()
	if err != nil {
		s.r = io.NopCloser(errorReader{err})
		return err
	}
	s.r, s.at = r, 0
	return nil
}

// Close closes the content.
func (s *seeker) Close() error { return s.r.Close() }

type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.err }
