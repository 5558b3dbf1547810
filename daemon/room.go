package daemon

import (
	"context"
	"fmt"

	"aad/apprentice"
	"aad/internal/proc"
)

// room refuses to start a run while the disk is about to be full.
func (d *Daemon) room() error {
	if d.store.Full() {
		if err := d.store.Room(context.Background()); err != nil {
			return d.scarce(err)
		}
	}
	_, err := d.leastFree()
	return err
}

// leastFree returns how much room the home's disk has, and refuses less than
// min_free_disk_mib.
func (d *Daemon) leastFree() (free int64, err error) {
	free, err = proc.DiskFree(string(d.home))
	if least := int64(d.settings.inForce().MinFreeDisk); err == nil && free>>20 < least {
		err = apprentice.Errorf(apprentice.Unavailable, "the disk of %s has %d MiB left, below min_free_disk_mib (%d)", d.home, free>>20, least).
			WithHint("make room there (aa du, then aa gc), then try again; runs that are queued are kept")
	}
	return free, err
}

// scarce puts storage's refusal for a full disk into the words of min_free_disk_mib
// where there is room yet, but less than that asks for. Other errors stay as they are.
func (d *Daemon) scarce(err error) error {
	if apprentice.KindOf(err) != apprentice.Unavailable || !d.store.Full() {
		return err
	}
	if free, below := d.leastFree(); below != nil && free>>20 > 0 {
		return below
	}
	return err
}

// noRoomReason tells clients why no new run starts, when it is the disk's fault; ""
// while there is room.
func (d *Daemon) noRoomReason(full bool) string {
	var err error
	switch {
	case full:
		err = d.scarce(apprentice.Errorf(apprentice.Unavailable, "the disk of %s is full", d.home))
	case d.sched.noRoomBecause() != nil:
		err = d.room()
	}
	if err == nil {
		return ""
	}
	return fmt.Sprint(err)
}
