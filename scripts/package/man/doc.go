// Package man holds the manual: spot-collector(1), spot-listener(1) and ingest_conf.json(5), in
// the language mdoc, which groff and mandoc read. Its tests compare them with what the programs
// take.
package man
