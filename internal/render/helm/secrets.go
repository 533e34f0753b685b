package helm

import (
	"fmt"
	"reflect"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// remembered is the functions that make keys and certificates, each call with the same arguments made once: a key takes up to seconds, a chart is
// rendered several times, and no image depends on one.
func remembered() template.FuncMap {
	all := sprig.TxtFuncMap()
	out := template.FuncMap{}
	for _, name := range []string{"genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey", "htpasswd", "bcrypt", "derivePassword"} {
		if f, ok := all[name]; ok {
			out[name] = remember(f)
		}
	}
	return out
}

// remember wraps a function of any type.
func remember(f any) any {
	results := map[string][]reflect.Value{}
	call := reflect.ValueOf(f)
	return reflect.MakeFunc(call.Type(), func(args []reflect.Value) []reflect.Value {
		var key string
		for _, a := range args {
			key += fmt.Sprintf("%#v\x00", a.Interface())
		}
		if results[key] == nil {
			results[key] = callAny(call, args)
		}
		return results[key]
	}).Interface()
}

func callAny(call reflect.Value, args []reflect.Value) []reflect.Value {
	if call.Type().IsVariadic() {
		return call.CallSlice(args)
	}
	return call.Call(args)
}
