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
//	staging/<writer>/lock                 JSON: whose it is; on a local file system locked by
//	                                      flock(2) while it lives
//	commits/warehouse.json                {"format":1,"warehouse":"<32 hexadecimal digits>"}
//	commits/<topic>/<group>/log.json      {"format":1,"table":…,"topic":…,"group":…,"first_epoch":"<epoch folder>"}
//	commits/<topic>/<group>/<epoch folder>/<number>.json   a record
//
// All of them lie on one file system. The table may be in another folder than hive/, which
// is then what hive/ in a record stands for: all who write a log must agree on it.
//
// In the names of topic and group every byte that is none of A-Z a-z 0-9 . _ - is written as
// % and two upper-case hexadecimal digits, and so is a first byte that is a dot or an
// underscore, and the w of the name warehouse.json. A name that is then longer than 200 bytes
// is cut to 167, followed by ~ and the first 32 hexadecimal digits of the SHA-256 of the name
// as it was.
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
//
// # HDFS
//
// All of the above holds for HDFS, but for what this section says. There each change is
// durable when it is answered, and nothing is flushed. A client must never make a folder by
// making a file in it (createparent=false, which data nodes obey from Hadoop 2.8 on; whoever
// opens a log makes sure of that). Rename is the one that refuses a target that
// exists and moves nothing into a folder (WebHDFS: renameoptions=NONE). An operation may have
// been done although its client got an error, or may still be done later; so no name in
// staging is ever used for two files.
//
// In a staging folder there are also
//
//	staging/<writer>/.record/             records that are complete, each of a name of its own
//	staging/<writer>/.record-<n>          one that is being written
//	staging/<writer>/.beat-0, or .beat-1  an empty folder: the writer's heart
//	staging/.left-<writer>/               a staging folder that was left or taken
//
// The two folders are made before the staging folder gets its name, and never again. A
// record is written beside .record, renamed into it, which makes no folder, and then renamed
// to its number: that is the commit. If there is an error the record is first removed from .record, whether or not it is there.
// Then it is at its number, known by its batch, or was not made and never will be. If that
// can't be told now, the batch may be committed: its files stay where they are.
//
// Lock files have three more members, of the process that pid names: "boot", the kernel's
// boot_id; "pid_namespace", what /proc/self/ns/pid leads to; "start_ticks", the 22nd field of
// /proc/<pid>/stat. A process for which boot and pid_namespace are the same sees by them
// whether the writer lives. For any other the writer counts as dead when its staging folder
// has not been changed for ten minutes: by the folder's modification time, compared with that
// of a folder made just now, which are both the name node's. A living writer renames its
// .beat-0 to .beat-1, or back, once a minute, which changes that time.
//
// A writer that is held for dead may live and go on at any moment. So its folder is taken in
// this order, by whoever opens the same log:
//
//  1. staging/<writer> is renamed to staging/.left-<writer>. From then on the writer can't
//     commit: a record in the making is no longer where it would be renamed from, and no new
//     one can be made there.
//  2. The log is read once more and its last record finished: the writer may have made it
//     just before.
//  3. staging/.left-<writer> is removed with all in it.
//
// A folder of that name that somebody finds has been through the first step, or its writer
// has left it so when it closed the log before all was moved; steps 2 and 3 are done again.
// If the answer to the first is lost, the other two are not done.
//
// Files are moved by renaming them at once. If that fails, or to see what is still to be
// moved, one looks in staging/<writer> first and then in staging/.left-<writer>, in this order,
// since a folder goes from the one to the other and never back: a committed file that is in
// neither has been moved. A writer whose folder was taken may go on to move the files of a
// record that it has made.
//
// What a writer has started, such as tasks on other machines, may make its staging folder
// anew after it was taken. That one has no .record and no lock, so that nothing can be
// committed from it, and is removed when it has not been changed for seven days.
package commitlog
