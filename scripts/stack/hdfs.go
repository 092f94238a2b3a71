package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"spot-ingest/scripts/internal/stack"
)

var hdfsComponent = component{
	synopsis: "hdfs [-ha] [-datanodes N]",
	about:    `an HDFS on 127.0.0.1, whose root everybody may write to,`,
	server: func(flags *flag.FlagSet) server {
		h := new(hdfsServer)
		flags.BoolVar(&h.ha, "ha", false, "two name nodes of one nameservice")
		flags.IntVar(&h.dataNodes, "datanodes", 1, "`number` of data nodes")
		return h
	},
}

type hdfsServer struct {
	ha        bool
	dataNodes int
}

func (h *hdfsServer) check() error {
	if h.dataNodes < 1 || h.dataNodes > 9 {
		return fmt.Errorf("-datanodes %d: want 1 to 9", h.dataNodes)
	}
	return nil
}

// serve also takes commands, one a line, each answered by a line: pause, continue, and
// those of hdfs.java.
func (h *hdfsServer) serve(ctx context.Context, stdin io.Reader, stdout io.Writer) (err error) {
	fs, err := stack.StartHDFS(ctx, stack.HDFS{HA: h.ha, DataNodes: h.dataNodes})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fs.Close()) }()
	fmt.Fprintf(stdout, "hdfs %s ready on %s (WebHDFS %s; conf dir %s)\n", stack.HDFSVersion, fs.URI(), strings.Join(fs.NameNodes(), " "), fs.ConfDir())
	lines := make(chan string)
	go readLines(ctx, stdin, lines)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-fs.Done():
			return fmt.Errorf("hdfs ended by itself; the end of its log:\n%s", fs.LogTail())
		case line := <-lines:
			if err := obey(fs, line); err != nil {
				fmt.Fprintln(stdout, err)
			} else {
				fmt.Fprintln(stdout, "ok")
			}
		}
	}
}

func obey(fs *stack.FileSystem, line string) error {
	switch line {
	case "pause":
		return fs.Pause()
	case "continue":
		return fs.Continue()
	}
	return fs.Command(strings.Fields(line)...)
}

// readLines sends what comes until its end, which is that of the process at the latest.
func readLines(ctx context.Context, r io.Reader, lines chan<- string) {
	for s := bufio.NewScanner(r); s.Scan(); {
		select {
		case lines <- s.Text():
		case <-ctx.Done():
			return
		}
	}
}
