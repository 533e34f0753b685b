package registrydir_test

import (
	"os"
	"testing"

	"github.com/sirupsen/logrus"
)

func TestMain(m *testing.M) {
	logrus.SetLevel(logrus.PanicLevel) // the CNCF registry logs every request
	os.Exit(m.Run())
}
