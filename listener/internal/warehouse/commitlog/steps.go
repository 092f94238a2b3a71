package commitlog

import "fmt"

// The steps at which Options.Fault is called, each before what it is named after.
const (
	stepMakeLog       = "make log"       // Open: a new log's first epoch and its log.json
	stepRemoveStaging = "remove staging" // Open: each file left by a writer that is gone
	stepCheckStaged   = "check staged"   // the batch's files are looked at
	stepSyncStaging   = "sync staging"   // the staging folder is flushed
	stepRead          = "read"           // records of others are read
	stepMakeEpoch     = "make epoch"     // the next epoch's folder is made
	stepSyncEpochs    = "sync epochs"    // the folder of the epochs' folders is flushed
	stepWriteRecord   = "write record"   // the record is written
	stepSyncRecord    = "sync record"    // the record is flushed
	stepLinkRecord    = "link record"    // the record is linked to its number
	stepRecordLinked  = "record linked"  // it is looked at whether the record is there
	stepSyncRecords   = "sync records"   // the epoch's folder is flushed
	stepMakeFolder    = "make folder"    // a folder of the table is made
	stepMoveFile      = "move file"      // each file is moved into its place
	stepSyncFolder    = "sync folder"    // each folder of the table is flushed
	stepRemoveRecord  = "remove record"  // the record's name in staging is removed
	stepPrune         = "prune"          // each old epoch is moved away
	stepPruned        = "pruned"         // each file of a moved epoch is removed
)

// Steps are all steps at which Options.Fault is called, in the order of a commit's work.
// The first two belong to Open. Up to "link record" an error means that nothing is
// committed, unless it is one of linking that leaves this in doubt, such as EIO; at "record
// linked" it is ignored if the record turns out to be there. Then the batch is committed:
// an error up to "sync folder" is an *UnfinishedError, and one at the last three steps,
// which only tidy up, is warned about.
var Steps = []string{
	stepMakeLog, stepRemoveStaging,
	stepCheckStaged, stepSyncStaging, stepRead, stepMakeEpoch, stepSyncEpochs,
	stepWriteRecord, stepSyncRecord, stepLinkRecord, stepRecordLinked,
	stepSyncRecords, stepMakeFolder, stepMoveFile, stepSyncFolder,
	stepRemoveRecord, stepPrune, stepPruned,
}

func (l *Log) fault(step string) error {
	if l.o.Fault == nil {
		return nil
	}
	if err := l.o.Fault(step); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return nil
}
