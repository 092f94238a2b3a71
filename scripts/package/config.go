package main

import (
	"bytes"
	"errors"
	"regexp"
)

// packagedStaging is where the services, which have a /tmp of their own, keep their files.
const packagedStaging = "/var/lib/spot-ingest/staging"

var (
	stagingEntry = regexp.MustCompile(`("local_staging" *: *)"[^"]*"`)
	proxyPath    = regexp.MustCompile(`\n( *)"collector_path" *: *"/collector_path/proxy",`)
)

// packagedConf returns the shipped ingest_conf.json with every pipeline's local_staging set to
// the packages' folder, the one of proxy added, and every other byte as it was.
func packagedConf(shipped []byte) ([]byte, error) {
	const entry = `"local_staging":"` + packagedStaging + `"`
	if n := len(stagingEntry.FindAll(shipped, -1)); n != 2 {
		return nil, errors.New("ingest_conf.json: want local_staging in the pipelines flow and dns, and in no other")
	}
	conf := stagingEntry.ReplaceAll(shipped, []byte(`${1}"`+packagedStaging+`"`))
	at := proxyPath.FindSubmatchIndex(conf)
	if at == nil {
		return nil, errors.New("ingest_conf.json: want collector_path of the pipeline proxy")
	}
	indent := conf[at[2]:at[3]]
	return bytes.Join([][]byte{conf[:at[1]], []byte("\n"), indent, []byte(entry + ","), conf[at[1]:]}, nil), nil
}
