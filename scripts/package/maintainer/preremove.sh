#!/bin/sh
# Before the files go. dpkg says "remove"; rpm says that no version remains. At an upgrade all
# runs on, until the new version's files are there.
set -e

case $1 in
remove | 0) ;;
*) exit 0 ;;
esac

if [ -d /run/systemd/system ]; then
	systemctl stop 'spot-collector@*.service' 'spot-listener@*.service' ||
		echo 'spot-ingest: not all services could be stopped: systemctl status "spot-*"' >&2
fi
