package config

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ReadHadoopConf returns the properties of a file of Hadoop's configuration, such as
// core-site.xml, by name; the last of a repeated one wins. Files that it includes by
// XInclude are not read, and variables in values not expanded. The error is an
// [io/fs.ErrNotExist] if there is no such file, and names the file in every case.
func ReadHadoopConf(path string) (map[string]string, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	properties, err := parseHadoopConf(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: want a <configuration> of Hadoop", path, err)
	}
	return properties, nil
}

func parseHadoopConf(text []byte) (map[string]string, error) {
	// Hadoop 3 takes name and value as attributes too.
	var document struct {
		XMLName    xml.Name `xml:"configuration"`
		Properties []struct {
			Name           string `xml:"name"`
			Value          string `xml:"value"`
			NameAttribute  string `xml:"name,attr"`
			ValueAttribute string `xml:"value,attr"`
		} `xml:"property"`
	}
	err := xml.Unmarshal(text, &document)
	if errors.Is(err, io.EOF) {
		return nil, errors.New("there is no XML in it")
	}
	if err != nil {
		return nil, err
	}
	properties := make(map[string]string)
	for _, p := range document.Properties {
		name := strings.TrimSpace(p.Name + p.NameAttribute)
		if name != "" {
			properties[name] = strings.TrimSpace(p.Value + p.ValueAttribute)
		}
	}
	return properties, nil
}
