package stack

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// HDFSVersion is the version of Hadoop that StartHDFS starts.
const HDFSVersion = "3.4.2"

// hdfsUser is the superuser of an HDFS. Everybody may write in its root.
const hdfsUser = "hdfs"

//go:embed hdfs.java
var hdfsProgram []byte

var hdfsArtifacts = []artifact{
	{Group: "org.apache.hadoop", Name: "hadoop-client-api", Version: HDFSVersion},
	{Group: "org.apache.hadoop", Name: "hadoop-client-runtime", Version: HDFSVersion},
	{Group: "org.apache.hadoop", Name: "hadoop-client-minicluster", Version: HDFSVersion},
	// Without JAXB there is no WebHDFS.
	{Group: "javax.xml.bind", Name: "jaxb-api", Version: "2.3.1"},
	{Group: "org.glassfish.jaxb", Name: "jaxb-runtime", Version: "2.3.9"},
	{Group: "org.slf4j", Name: "slf4j-simple", Version: "1.7.36"},
}

// HDFS says what to start.
type HDFS struct {
	// HA is two name nodes of one nameservice, of which the first is active.
	HA bool
	// DataNodes; 0 is one.
	DataNodes int
}

// A FileSystem is an HDFS in one process, with a data folder of its own. Its methods are
// for one goroutine.
type FileSystem struct {
	o        HDFS
	dir      string
	ports    []string // of RPC and HTTP, a name node
	process  *process
	commands *os.File
	answers  *bufio.Reader
}

// StartHDFS fetches Hadoop if needed and returns once files can be written by WebHDFS. The
// context bounds the start alone. The caller owns the file system and must Close it.
func StartHDFS(ctx context.Context, h HDFS) (*FileSystem, error) {
	java, err := find("java", "default-jdk-headless")
	if err != nil {
		return nil, fmt.Errorf("start hdfs: %w", err)
	}
	jars, err := cachedJars(ctx, "hdfs-"+HDFSVersion, hdfsArtifacts)
	if err != nil {
		return nil, fmt.Errorf("start hdfs: %w", err)
	}
	for try := 1; ; try++ {
		f := &FileSystem{o: h}
		f.o.DataNodes = max(h.DataNodes, 1)
		if err = f.start(ctx, java, jars); err == nil {
			return f, nil
		}
		err = errors.Join(fmt.Errorf("start hdfs: %w", err), f.Close())
		if !errors.Is(err, errPortTaken) || try == portTries {
			return nil, err
		}
	}
}

func (f *FileSystem) start(ctx context.Context, java, jars string) (err error) {
	if f.dir, err = os.MkdirTemp("", "spot-hdfs-"); err != nil {
		return err
	}
	program := filepath.Join(f.dir, "hdfs.java")
	if err := os.WriteFile(program, hdfsProgram, 0o644); err != nil {
		return err
	}
	for range 2 * f.nameNodes() {
		port, err := freePort()
		if err != nil {
			return err
		}
		f.ports = append(f.ports, strconv.Itoa(port))
	}
	if err := f.writeConf(); err != nil {
		return err
	}
	args := []string{"-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--add-opens=java.base/java.lang=ALL-UNNAMED",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true", "-Djava.io.tmpdir=" + f.dir,
		"-cp", filepath.Join(jars, "*"), program, filepath.Join(f.dir, "data"), strconv.Itoa(f.o.DataNodes)}
	if err := f.run(exec.Command(java, append(args, f.ports...)...)); err != nil {
		return err
	}
	if err := f.waitReady(ctx); err != nil {
		text := f.process.tail()
		if strings.Contains(text, "Address already in use") {
			return errPortTaken
		}
		return fmt.Errorf("%w; the end of its log:\n%s", err, text)
	}
	return nil
}

func (f *FileSystem) nameNodes() int {
	if f.o.HA {
		return 2
	}
	return 1
}

// run starts the program with a pipe for commands and one for answers.
func (f *FileSystem) run(cmd *exec.Cmd) error {
	in, commands, err := os.Pipe()
	if err != nil {
		return err
	}
	defer in.Close()
	f.commands = commands
	answers, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	f.answers = bufio.NewReader(answers)
	cmd.Stdin, cmd.Stdout = in, out
	cmd.Env = append(os.Environ(), "HADOOP_USER_NAME="+hdfsUser)
	f.process, err = startCommand(f.dir, filepath.Join(f.dir, "hdfs.log"), cmd)
	return err
}

// waitReady waits until the program says that all runs, and each name node serves WebHDFS,
// which it makes ready at its first request.
func (f *FileSystem) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyIn)
	defer cancel()
	end := context.AfterFunc(ctx, f.process.kill)
	defer end()
	if err := f.answer(); err != nil {
		return errors.Join(err, ctx.Err())
	}
	for _, node := range f.NameNodes() {
		req, err := http.NewRequestWithContext(ctx, "GET", node+"/webhdfs/v1/?op=GETFILESTATUS&user.name="+hdfsUser, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		resp.Body.Close()
	}
	return nil
}

// answer reads what became of a command.
func (f *FileSystem) answer() error {
	line, err := f.answers.ReadString('\n')
	if errors.Is(err, io.EOF) {
		<-f.process.done
		return fmt.Errorf("it ended: %w", errors.Join(f.process.err, io.ErrUnexpectedEOF))
	}
	if err != nil {
		return err
	}
	if line = strings.TrimSpace(line); line != "ok" {
		return errors.New(line)
	}
	return nil
}

// Command has the program do something, in the words of its source, hdfs.java.
func (f *FileSystem) Command(words ...string) error {
	line := strings.Join(words, " ")
	if _, err := f.commands.WriteString(line + "\n"); err != nil {
		return fmt.Errorf("hdfs %s: %w", line, err)
	}
	if err := f.answer(); err != nil {
		return fmt.Errorf("hdfs %s: %w", line, err)
	}
	return nil
}

// Failover makes the name node in standby the active one.
func (f *FileSystem) Failover() error { return f.Command("failover") }

// SafeMode has all name nodes enter safe mode, or leave it.
func (f *FileSystem) SafeMode(on bool) error {
	if on {
		return f.Command("safemode", "on")
	}
	return f.Command("safemode", "off")
}

// StopNameNode ends name node i, counted from 0.
func (f *FileSystem) StopNameNode(i int) error { return f.Command("stop-namenode", strconv.Itoa(i)) }

// StartNameNode starts one that was stopped; of two it will be in standby.
func (f *FileSystem) StartNameNode(i int) error { return f.Command("start-namenode", strconv.Itoa(i)) }

// StopDataNode ends data node i. Name nodes take it for alive for 11 seconds.
func (f *FileSystem) StopDataNode(i int) error { return f.Command("stop-datanode", strconv.Itoa(i)) }

// BuryDataNode lets name nodes know that a data node was stopped.
func (f *FileSystem) BuryDataNode(i int) error { return f.Command("bury-datanode", strconv.Itoa(i)) }

// StartDataNode starts one that was stopped, and returns when it is known.
func (f *FileSystem) StartDataNode(i int) error { return f.Command("start-datanode", strconv.Itoa(i)) }

// URI is what a path is appended to: hdfs://host:port or, of two name nodes, hdfs://spot.
func (f *FileSystem) URI() string {
	if f.o.HA {
		return "hdfs://spot"
	}
	return "hdfs://" + f.addr(0)
}

// NameNodes are the addresses of the name nodes for WebHDFS.
func (f *FileSystem) NameNodes() []string {
	var urls []string
	for i := range f.nameNodes() {
		urls = append(urls, "http://"+f.addr(2*i+1))
	}
	return urls
}

func (f *FileSystem) addr(port int) string { return net.JoinHostPort("127.0.0.1", f.ports[port]) }

// ConfDir is a folder with core-site.xml and hdfs-site.xml for clients.
func (f *FileSystem) ConfDir() string { return filepath.Join(f.dir, "conf") }

func (f *FileSystem) writeConf() error {
	if err := os.Mkdir(f.ConfDir(), 0o755); err != nil {
		return err
	}
	core := [][2]string{{"fs.defaultFS", f.URI()}}
	hdfs := [][2]string{{"dfs.replication", strconv.Itoa(min(f.o.DataNodes, 2))}}
	if f.o.HA {
		hdfs = append(hdfs, [][2]string{{"dfs.nameservices", "spot"}, {"dfs.ha.namenodes.spot", "nn1,nn2"},
			{"dfs.namenode.rpc-address.spot.nn1", f.addr(0)}, {"dfs.namenode.http-address.spot.nn1", f.addr(1)},
			{"dfs.namenode.rpc-address.spot.nn2", f.addr(2)}, {"dfs.namenode.http-address.spot.nn2", f.addr(3)},
			{"dfs.client.failover.proxy.provider.spot", "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider"}}...)
	} else {
		hdfs = append(hdfs, [2]string{"dfs.namenode.http-address", f.addr(1)})
	}
	err := os.WriteFile(filepath.Join(f.ConfDir(), "core-site.xml"), hadoopConf(core), 0o644)
	return errors.Join(err, os.WriteFile(filepath.Join(f.ConfDir(), "hdfs-site.xml"), hadoopConf(hdfs), 0o644))
}

// hadoopConf is a file of Hadoop's configuration. Names and values must be plain.
func hadoopConf(properties [][2]string) []byte {
	var text strings.Builder
	text.WriteString("<configuration>\n")
	for _, p := range properties {
		fmt.Fprintf(&text, "  <property><name>%s</name><value>%s</value></property>\n", p[0], p[1])
	}
	text.WriteString("</configuration>\n")
	return []byte(text.String())
}

// LogTail returns the last lines of the log.
func (f *FileSystem) LogTail() string { return f.process.tail() }

// Done is closed when the process has ended, for whatever reason.
func (f *FileSystem) Done() <-chan struct{} { return f.process.done }

// Pause freezes all of the file system: connections stay open and nothing answers.
func (f *FileSystem) Pause() error { return f.process.signal(syscall.SIGSTOP) }

// Continue lets a paused file system go on.
func (f *FileSystem) Continue() error { return f.process.signal(syscall.SIGCONT) }

// Close ends the file system and removes its data.
func (f *FileSystem) Close() error {
	if f.process != nil && f.process.running() {
		f.process.kill()
	}
	if f.commands != nil {
		f.commands.Close()
	}
	if f.dir == "" {
		return nil
	}
	if err := os.RemoveAll(f.dir); err != nil {
		return fmt.Errorf("remove the data of hdfs: %w", err)
	}
	return nil
}
