// Package commitlog keeps the truth about what has been committed to a table: which
// messages of a topic are in it, by which files, as numbered records that nobody changes.
// Any number of processes, also of other programs, may write one log at the same time, and
// each of them may be killed or stopped for any time at any moment.
//
// # Folders
//
// Below the folder of a type (<hdfs_app_path>/<type>):
//
//	hive/…, dead_letter/…                 the table, and what could not be put into it
//	staging/<writer>/                     files being written by one process
//	staging/<writer>/lock                 JSON: whose it is; locked by flock(2) while it lives
//	commits/warehouse.json                {"format":1,"warehouse":"<32 hexadecimal digits>"}
//	commits/<topic>/<group>/log.json      {"format":1,"table":…,"topic":…,"group":…,"first_epoch":"<epoch folder>"}
//	commits/<topic>/<group>/<epoch folder>/<number>.json   a record
//
// All of them lie on one file system. In the names of topic and group every byte that is
// none of A-Z a-z 0-9 . _ - is written as % and two upper-case hexadecimal digits, and so is
// a first byte that is a dot or an underscore, and the w of the name warehouse.json. A name
// that is then longer than 200 bytes is cut to 167, followed by ~ and the first 32
// hexadecimal digits of the SHA-256 of the name as it was.
//
// # Records
//
// Records are numbered from 1 without a gap; a number is padded to ten digits with zeros.
// Epoch e, counted from 0, is the 64 records from 64e+1 on, and lies in a folder named by e,
// padded to eight digits, a hyphen, and 32 random hexadecimal digits.
//
// A record is a JSON object, whose members a reader need not know all of:
//
//	format      1
//	number      its number
//	writer      32 hexadecimal digits: who made it, and the name of the staging folder
//	batch       32 random hexadecimal digits, by which a writer knows its own record again
//	time        when it was made, RFC 3339, UTC, with milliseconds
//	table, topic, group
//	parts       [{"partition":…,"first":…,"next":…,"last":…,"time":…,"crc":…}]: the messages
//	            from offset first up to, not including, next; of the last of them the offset
//	            (-1: none was read), the time stamp in milliseconds, the CRC-32C of the value
//	files       [{"staged":"<writer>/<name>","final":…,"rows":…,"bytes":…}]; final is relative
//	            to the type's folder, and in hive/ or dead_letter/
//	segments    the ids of the segments in it, 16 bytes each, one after the other, in base64
//	counts      {"messages":…,"rows":…,"bad_rows":…,"bad_messages":…,"repeats":…}
//	note        why positions were set by hand; missing where each first is the next of before
//	next_epoch  in the last record of an epoch: the folder of the next one
//	snapshot    in the first record of an epoch: what was known before this record,
//	            {"positions":[{"partition":…,"next":…,"last":…,"time":…,"crc":…}],
//	            "ids":[{"time":…,"ids":…}]}, the ids in the order they were seen
//	sha256      the last member: the file ends in ,"sha256":"<64 digits>"} and a newline, and
//	            this is the SHA-256 of all bytes before that comma
//
// A partition's position is the next of the last record that has it, or 0. Segment ids are
// known for seven days, the newest 100,000 of them longer, and never more than 1,000,000;
// the times that count are those of the records.
//
// # Committing
//
// A batch's files are written to the own staging folder, under names that are never used
// again, and flushed. Then, from the newest state of the log: each first must be the
// partition's position, and no segment id may be known, else somebody else has committed
// these messages and the batch is dropped. The record is written and flushed in the staging
// folder and linked to its number by link(2), which refuses a number that exists: that is
// the commit. Then the folder of the epoch is flushed, the files are moved into the table
// by rename(2), and the folders they went to are flushed. Whoever makes a record has first
// done all of that for the record before, too, whether or not it seems to be done: so only
// the last record's files can still be in staging, and anyone moves them.
//
// A file that is neither in staging nor in its place was moved, and then removed from the
// table by somebody.
//
// # Epochs
//
// An epoch whose last record is older than seven days is removed, except for the newest two:
// the snapshots make them dispensable. A process that was stopped for longer must not be
// able to make a record of a number that has been removed. So a record is only ever linked
// into a folder that exists, by path, and a folder's name never comes back: the first
// epoch's stands in log.json, itself linked once, and the others' in the last record of the
// epoch before, whose maker makes the folder before the record. Folders that were made for
// a record that then came from somebody else stay empty and are removed. An old epoch is
// removed by moving its folder away in one step; a record that is not at its place after it
// was linked has met with that, and is none.
//
// # Staging
//
// The staging folder of a process that is gone (its lock can be taken) and that wrote to the
// same log is removed, after the lock was taken and the log's last record finished, in this
// order: it may have committed as its last deed. Where flock(2) does not work, a folder
// counts as left after seven days without a change. Two hosts must not share the folder
// through a mount that keeps locks to itself (NFS with nolock or local_lock).
package commitlog
