package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"time"

	"spot-ingest/listener/internal/metastore"
	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/config"
)

// A hive is what is known of Hive, and of the table in it.
type hive struct {
	table *metastore.Table
	why   string // the setting that says where Hive is
	// wanted tells that the configuration says so. Then the listener does not begin before
	// Hive has told of the table: its location decides where rows go. What only the settings
	// of other programs say must not stop it.
	wanted bool
	repair bool
	there  bool   // the table
	away   bool   // Hive could not be asked
	where  string // its location
}

// findHive finds out whom to tell of partitions, and asks there for the table.
func (l *listener) findHive(ctx context.Context, conf *config.Config) (err error) {
	if l.hive, err = l.hiveOf(conf); err != nil {
		return err
	}
	return l.askHive(ctx)
}

// hiveOf returns whom to tell of partitions, nil if nobody: by the configuration, by
// HiveServer2 in Spot's settings, or by Hive's own configuration.
func (l *listener) hiveOf(conf *config.Config) (*hive, error) {
	settings, err := conf.Hive()
	if err != nil {
		return nil, err
	}
	w, err := conf.Warehouse()
	if err != nil {
		return nil, err
	}
	o := metastore.Options{
		Metastore: settings.Metastore, HiveServer2: settings.HiveServer2,
		Database: w.Database, Table: table.Of(l.kind), User: os.Getenv("HADOOP_USER_NAME"),
	}
	h := &hive{wanted: true, repair: settings.PartitionRepair, why: "section hive of " + l.args.ConfigFile}
	if o.Metastore == nil && o.HiveServer2 == "" {
		h.wanted = false
		if o.HiveServer2, h.why, err = spotHiveServer2(); err != nil {
			return nil, err
		}
	}
	if o.Metastore == nil && o.HiveServer2 == "" {
		if o.Metastore, h.why, err = config.FindMetastore(os.Getenv); err != nil {
			return nil, err
		}
	}
	switch {
	case o.Metastore == nil && o.HiveServer2 == "":
		if l.args.CreateTable {
			return nil, fmt.Errorf(`--create-table: set {"metastore": "thrift://host:9083"} or {"hiveserver2": "host:10000"} as hive in %s, or create the table by the DDL of the documentation`, l.args.ConfigFile)
		}
		return nil, nil
	case o.Database == "" && h.wanted:
		return nil, fmt.Errorf("dbname of %s is not set: set it to the database of table %s in Hive", l.args.ConfigFile, l.kind)
	case o.Database == "":
		l.log.Info("Hive is not told of partitions: dbname of %s is not set. [%s]", l.args.ConfigFile, h.why)
		return nil, nil
	}
	h.table, err = metastore.Open(o)
	return h, err
}

// spotHiveServer2 returns the HiveServer2 of Spot's settings.
func spotHiveServer2() (server, why string, err error) {
	settings, err := config.ReadSpotConf(spotConf)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	if err == nil {
		server, err = config.SpotHiveServer2(settings, spotConf)
	}
	return server, "HS2_HOST of " + spotConf, err
}

// hiveTime is how long Hive is waited for at the start if nobody has asked for it.
const hiveTime = 10 * time.Second

// askHive asks Hive for the table. It waits until Hive answers if that is wanted: for ever,
// but not with --once.
func (l *listener) askHive(ctx context.Context) error {
	h := l.hive
	if h == nil {
		return nil
	}
	patience := awayAtOnce
	if !h.wanted {
		patience = min(hiveTime, awayAtOnce)
	}
	var d metastore.Description
	err := l.insist(ctx, "Hive", h.wanted && !l.args.Once, patience, func(ctx context.Context) (err error) {
		d, err = h.table.Describe(ctx)
		return err
	}, func(err error) bool { return errors.Is(err, metastore.ErrAway) })
	switch {
	case err == nil:
		h.there, h.where = true, d.Location
		return h.table.Check(d)
	case errors.Is(err, metastore.ErrNoTable):
		return nil
	case !h.wanted && ctx.Err() == nil:
		l.log.Warning("Hive can't be asked where table %s lies: it is told of partitions once it answers, if that is where rows go: %v. [%s]", h.table.Name(), err, h.why)
		h.away = true
		return nil
	}
	return fmt.Errorf("%w [%s]", err, h.why)
}

// location is the setting that Hive's table is.
func (h *hive) location() setting {
	if h == nil || !h.there {
		return setting{}
	}
	return setting{Name: fmt.Sprintf("the location of Hive's table %s", h.table.Name()), Value: h.where, Table: true}
}

// makeTable makes Hive's table if it is missing and if that is asked for.
func (l *listener) makeTable(ctx context.Context) error {
	h := l.hive
	if h == nil || h.there {
		return nil
	}
	where := l.place.uri(l.place.table(l.kind))
	switch {
	case h.away && l.args.CreateTable:
		return fmt.Errorf("--create-table: Hive can't be asked for table %s. [%s]", h.table.Name(), h.why)
	case h.away:
		return nil
	}
	if !l.args.CreateTable {
		l.log.Warning("Hive has no table %s: --create-table makes it. Partitions are made known to Hive once it is there, and lies in %s. [%s]", h.table.Name(), where, h.why)
		return nil
	}
	if err := h.table.Create(ctx, where); err != nil {
		return err
	}
	d, err := h.table.Describe(ctx)
	if err != nil {
		return err
	}
	// Somebody else may have made it meanwhile, elsewhere.
	if err := h.table.Check(d); err != nil {
		return err
	}
	if !metastore.SameLocation(d.Location, where) {
		return &metastore.LocationError{Table: h.table.Name(), Hive: d.Location, Rows: where}
	}
	l.log.Info("Made table %s in Hive. [Location: %s]", h.table.Name(), where)
	return nil
}

// startRegistrar begins to make partitions known to Hive.
func (l *listener) startRegistrar() {
	h := l.hive
	if h == nil {
		return
	}
	l.log.Info("Hive is told of partitions of table %s: %s.", h.table.Name(), h.why)
	root := l.place.table(l.kind)
	l.registrar = metastore.StartRegistrar(context.Background(), h.table, metastore.RegistrarOptions{
		Location: l.place.uri(root),
		Folders: func(ctx context.Context) iter.Seq2[table.Hour, error] {
			return metastore.Folders(ctx, table.Of(l.kind), root, l.files.ReadDir)
		},
		Repair: h.repair, Log: l.root.Named("SPOT.INGEST.HIVE"),
	})
}

// register makes the partitions of a committed batch known, as soon as Hive can be reached.
func (l *listener) register(hours []table.Hour) {
	if l.registrar != nil {
		l.registrar.Add(hours)
	}
}

// owe keeps the hours of a batch of which files may not be in their places yet.
func (l *listener) owe(hours []table.Hour) {
	if l.registrar != nil {
		l.owed = hours
	}
}

// payHive makes known what is owed, once the log has finished its last record: if that came to
// be at all, the folders are there.
func (l *listener) payHive() {
	for _, hour := range l.owed {
		folder := path.Join(l.place.table(l.kind), table.Of(l.kind).Folder(hour))
		if _, err := l.files.Stat(folder); err == nil {
			l.register([]table.Hour{hour})
		}
	}
	l.owed = nil
}

// registerTime bounds how long Hive is waited for at the end.
const registerTime = 3 * time.Second

// endRegistrar gives Hive some time for the partitions that it does not know yet: with --once
// as long as it is waited for at the start. The error is one only if Hive is in the
// configuration, and the table is there.
func (l *listener) endRegistrar() error {
	if l.registrar == nil {
		return nil
	}
	patience := registerTime
	if l.args.Once && l.hive.wanted {
		patience = awayAtOnce
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := l.registrar.Close(ctx)
	l.registrar = nil
	if err != nil && (!l.hive.wanted || errors.Is(err, metastore.ErrNoTable)) {
		l.log.Warning("%v", err)
		return nil
	}
	return err
}
