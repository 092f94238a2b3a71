package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
)

// Mirror copies a folder of HDFS into a local one, by WebHDFS. The name node, as one of
// [FileSystem.NameNodes], must be the active one.
func Mirror(ctx context.Context, nameNode, from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("mirror %s: %w", from, err)
	}
	var listing struct {
		FileStatuses struct {
			FileStatus []struct{ PathSuffix, Type string }
		}
	}
	err := webhdfs(ctx, nameNode, from, "LISTSTATUS", func(body io.Reader) error { return json.NewDecoder(body).Decode(&listing) })
	if err != nil {
		return err
	}
	for _, entry := range listing.FileStatuses.FileStatus {
		from, to := path.Join(from, entry.PathSuffix), filepath.Join(to, entry.PathSuffix)
		if entry.Type == "DIRECTORY" {
			err = Mirror(ctx, nameNode, from, to)
		} else {
			err = webhdfs(ctx, nameNode, from, "OPEN", func(body io.Reader) error { return saveAs(to, body) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// webhdfs asks for something of a path, and has the answer taken.
func webhdfs(ctx context.Context, nameNode, from, op string, take func(io.Reader) error) error {
	address := nameNode + (&url.URL{Path: "/webhdfs/v1" + from, RawQuery: "op=" + op + "&user.name=" + hdfsUser}).String()
	req, err := http.NewRequestWithContext(ctx, "GET", address, nil)
	if err != nil {
		return fmt.Errorf("mirror %s: %w", from, err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("mirror %s: %w", from, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("mirror %s: %s answers %s", from, op, answer.Status)
	}
	if err := take(answer.Body); err != nil {
		return fmt.Errorf("mirror %s: %w", from, err)
	}
	return nil
}

func saveAs(name string, from io.Reader) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, from)
	return errors.Join(err, file.Close())
}
