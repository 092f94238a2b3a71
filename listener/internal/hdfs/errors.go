package hdfs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Errors of the whole cluster, which go away by themselves or by its administrator's work.
// Nothing has been done.
var (
	// ErrSafeMode is that nothing can be changed: the name node starts, or is kept so.
	ErrSafeMode = errors.New("HDFS is in safe mode, in which nothing can be changed; wait, or see hdfs dfsadmin -safemode get")
	// ErrNoDataNode is that no data node takes a file: none lives, or all are full.
	ErrNoDataNode = errors.New("no data node takes the file; see hdfs dfsadmin -report")
	// ErrNoNameNode is that no name node is active.
	ErrNoNameNode = errors.New("no name node is active")
)

// A RemoteError is an exception that HDFS answers with. errors.Is finds [fs.ErrNotExist],
// [fs.ErrExist], [fs.ErrPermission], unix.ENOTEMPTY, unix.ENOTDIR, unix.EDQUOT,
// [ErrSafeMode] and [ErrNoDataNode] in it.
type RemoteError struct {
	Status    int    // of HTTP
	Exception string // the class's name without its package
	Message   string // its first line
}

func (e *RemoteError) Error() string {
	text := e.Exception
	if e.Message != "" {
		text += ": " + e.Message
	}
	for _, hint := range []error{ErrSafeMode, ErrNoDataNode} {
		if e.Is(hint) {
			text += ": " + hint.Error()
		}
	}
	return text
}

// Definite tells that what was asked for has not been done, and won't be.
func (e *RemoteError) Definite() bool { return true }

// Is tells what the exception means.
func (e *RemoteError) Is(target error) bool {
	switch e.Exception {
	case "FileNotFoundException":
		return target == fs.ErrNotExist
	case "FileAlreadyExistsException", "AlreadyBeingCreatedException":
		return target == fs.ErrExist
	case "AccessControlException", "SecurityException":
		if strings.HasSuffix(e.Message, "(is not a directory)") {
			return target == unix.ENOTDIR
		}
		return target == fs.ErrPermission
	case "PathIsNotEmptyDirectoryException":
		return target == unix.ENOTEMPTY
	case "ParentNotDirectoryException":
		return target == unix.ENOTDIR
	case "QuotaExceededException", "NSQuotaExceededException", "DSQuotaExceededException", "QuotaByStorageTypeExceededException":
		return target == unix.EDQUOT
	case "SafeModeException":
		return target == ErrSafeMode
	case "RetriableException":
		return target == ErrSafeMode && strings.Contains(e.Message, "SafeModeException")
	case "IOException":
		return target == ErrNoDataNode && noDataNode(e.Message) ||
			target == fs.ErrExist && strings.HasSuffix(e.Message, "must both be directories") // of a rename
	}
	return false
}

// noDataNode knows the name node's words for it, which has no exception for that.
func noDataNode(message string) bool {
	return strings.Contains(message, "could only be written to 0 of the") ||
		strings.Contains(message, "could only be replicated to 0 nodes") ||
		strings.Contains(message, "Failed to find datanode")
}

// passing tells whether the same request may succeed a little later, or elsewhere, and
// nothing has been done.
func (e *RemoteError) passing() bool {
	switch e.Exception {
	case "StandbyException", "RetriableException", "ObserverRetryOnActiveException", "ServerTooBusyException":
		return true
	}
	return e.Is(ErrSafeMode) || e.Is(ErrNoDataNode)
}

// An AmbiguousError is of a change that was asked for and may have been made, or may still
// be made soon: its answer was lost.
type AmbiguousError struct {
	Err error
}

func (e *AmbiguousError) Error() string {
	return "it may have been done, the answer was lost: " + e.Err.Error()
}

func (e *AmbiguousError) Unwrap() error { return e.Err }

// Definite tells that it may have been done.
func (e *AmbiguousError) Definite() bool { return false }

// IsAmbiguous tells whether what failed with err may have been done all the same.
func IsAmbiguous(err error) bool {
	var a *AmbiguousError
	return errors.As(err, &a)
}

// An outageError is of a server that says nothing, or not what HDFS says, as long as
// something is wrong with it or on the way.
type outageError struct{ text string }

func (e *outageError) Error() string { return e.text }

// Passes tells whether what failed may work later although nobody changes anything of the
// request: the cluster, or the network, is not as it should be now.
func Passes(err error) bool {
	if errors.Is(err, errHeedless) {
		return false
	}
	for _, passing := range []error{ErrSafeMode, ErrNoDataNode, ErrNoNameNode, io.ErrUnexpectedEOF, io.EOF, errBroken, context.DeadlineExceeded} {
		if errors.Is(err, passing) {
			return true
		}
	}
	var remote *RemoteError
	if errors.As(err, &remote) && remote.passing() {
		return true
	}
	return IsAmbiguous(err) || errors.As(err, new(*outageError)) || !unknownHost(err) && errors.As(err, new(net.Error))
}

// maxAnswer bounds what is read of an answer that is an error.
const maxAnswer = 64 << 10

// maxMessage bounds an exception's message, in bytes.
const maxMessage = 500

// parseError makes an error of an answer, whatever its body is.
func parseError(status int, body []byte) error {
	var answer struct {
		RemoteException struct {
			Exception     string `json:"exception"`
			JavaClassName string `json:"javaClassName"`
			Message       string `json:"message"`
		}
	}
	r := &answer.RemoteException
	if err := json.Unmarshal(body, &answer); err == nil && r.Exception+r.JavaClassName != "" {
		name := r.Exception
		if name == "" {
			name = r.JavaClassName[strings.LastIndexAny(r.JavaClassName, ".$")+1:]
		}
		e := &RemoteError{Status: status, Exception: firstLine(name), Message: firstLine(r.Message)}
		return unpack(e)
	}
	switch status {
	case 401:
		return errors.New("HTTP 401: the cluster asks for Kerberos or another authentication, which WebHDFS by user.name is not")
	case 404:
		return errors.New("HTTP 404 without an exception of HDFS: is this address a name node's, and WebHDFS enabled there (dfs.webhdfs.enabled)?")
	}
	what := fmt.Sprintf("HTTP %d without an exception of HDFS", status)
	if text := firstLine(string(body)); text != "" && !strings.HasPrefix(text, "<") {
		what = fmt.Sprintf("HTTP %d: %s", status, text)
	}
	if status >= 500 {
		return &outageError{what}
	}
	return errors.New(what)
}

// unpack takes out an exception that a data node has only in its message: it hands on what
// the name node told it.
func unpack(e *RemoteError) *RemoteError {
	if e.Exception != "RemoteException" && e.Exception != "IOException" {
		return e
	}
	class, message, ok := strings.Cut(e.Message, ": ")
	if !ok {
		class, message, ok = strings.Cut(e.Message, "):")
		class = strings.TrimPrefix(class, "org.apache.hadoop.ipc.RemoteException(")
	}
	if name := class[strings.LastIndexAny(class, ".$")+1:]; ok && strings.HasPrefix(class, "org.apache.hadoop.") && strings.HasSuffix(name, "Exception") {
		e.Exception, e.Message = name, message
	}
	return e
}

// firstLine returns the first line of a text, without control characters and not too long.
func firstLine(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		s = s[:i]
	}
	if len(s) > maxMessage {
		s = s[:maxMessage] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
