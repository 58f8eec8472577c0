"""The recorder `motion` on names that Motion 4.5.1 wrote, and on configurations it was given."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import Category, Kept, Recognised, Sighting, StoreName, Unclassified
from retentiond.ports import Entry, EntryKind, Recorder
from retentiond.recorders.registry import AnyRecorder, build_recorder

VIDEO, STILL, DERIVED = Category.VIDEO, Category.STILL, Category.DERIVED


class Site:
    """A directory with a store and a Motion configuration in it."""

    def __init__(self, root: Path) -> None:
        self.store = root / "store"
        self.store.mkdir()
        self.conf = root / "motion.conf"

    def configure(self, main: str, **files: str) -> None:
        for name, text in files.items():
            (self.conf.parent / f"{name}.conf").write_text(text.replace("$STORE", str(self.store)))
        self.conf.write_text(main.replace("$STORE", str(self.store)))

    def recorder(self, main: str, layouts: tuple[str, ...] = (), **files: str) -> AnyRecorder:
        self.configure(main, **files)
        return self.build(str(self.conf), layouts)

    def build(self, recorder_config: str | None, layouts: tuple[str, ...] = ()) -> AnyRecorder:
        return build_recorder(
            "motion",
            store=StoreName("main"),
            store_path=str(self.store),
            timezone="UTC",
            layouts=layouts,
            recorder_config=recorder_config,
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def classify(recorder: Recorder, path: str, kind: EntryKind = EntryKind.FILE) -> Sighting:
    directory, _, name = path.encode().rpartition(b"/")
    (sighting,) = recorder.classify(directory, [Entry(name, kind)])
    return sighting


def seen(recorder: Recorder, path: str) -> tuple[str, Category, datetime | None] | None:
    sighting = classify(recorder, path)
    return (sighting.camera, sighting.category, sighting.start) if isinstance(sighting, Recognised) else None


def trouble(recorder: AnyRecorder) -> str:
    assert recorder.trouble is not None
    return recorder.trouble


def at(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)  # type: ignore[arg-type,misc]


# --- what Motion really wrote ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "category", "start"),
    [
        ("01-20261123030019.mkv", VIDEO, (2026, 11, 23, 3, 0, 19)),
        ("01-20261123030019m.mkv", VIDEO, (2026, 11, 23, 3, 0, 19)),
        ("01-20261123030019-06.jpg", STILL, (2026, 11, 23, 3, 0, 19)),
        ("01-20261123030019-06m.jpg", STILL, (2026, 11, 23, 3, 0, 19)),
        ("01-20261123030018-snapshot.jpg", STILL, (2026, 11, 23, 3, 0, 18)),
        ("20261123-timelapse.mpg", DERIVED, (2026, 11, 23)),
        ("117-20261123030019.avi", VIDEO, (2026, 11, 23, 3, 0, 19)),
    ],
)
@pytest.mark.parametrize("configured", [True, False])
def test_default_names_are_recognised(
    site: Site, name: str, category: Category, start: tuple[int, ...], *, configured: bool
) -> None:
    recorder = site.recorder("target_dir $STORE\ncamera_name Front Door\n") if configured else site.build(None)
    assert seen(recorder, name) == ("Front Door" if configured else "motion", category, at(*start))


def test_names_with_a_day_for_a_directory_are_recognised(site: Site) -> None:
    recorder = site.recorder(
        "target_dir $STORE\ncamera_name waiting_room\nmovie_filename %Y-%m-%d/%$-%H%M%S-%v\n"
        "picture_output first\npicture_filename %Y-%m-%d/%$-%H%M%S-%v-%q\n"
    )
    assert seen(recorder, "2026-11-22/waiting_room-123113-01.mp4") == (
        "waiting_room",
        VIDEO,
        at(2026, 11, 22, 12, 31, 13),
    )
    assert seen(recorder, "2026-11-22/waiting_room-123103-01-01.jpg") == (
        "waiting_room",
        STILL,
        at(2026, 11, 22, 12, 31, 3),
    )
    assert recorder.is_past(b"2026-11-22", at(2026, 12, 22))


def test_every_camera_has_its_own_names(site: Site) -> None:
    recorder = site.recorder(
        "target_dir $STORE\npicture_output first\nsnapshot_filename lastsnap\nsnapshot_interval 3\n"
        "movie_filename %Y-%m-%d/%$-%t-%H%M%S-%3v-%C-%5D-%{eventid}\npicture_filename %F/%$-%T-%v-%q\n"
        "camera one.conf\ncamera two.conf\ncamera three.conf\n",
        one="camera_name Waiting room (1)\nmovie_passthrough on\n",
        two="target_dir $STORE/b/\ncamera_id 17\n",
        three="camera_name Ääni/x\nmovie_filename %$%v-%Y%m%d%H%M%S\n",
    )
    film = "031143-001-20261123031139-  329-0000120261123031139.mp4"
    start = at(2026, 11, 23, 3, 11, 43)
    assert seen(recorder, f"2026-11-23/Waiting room (1)-1-{film}") == ("Waiting room (1)", VIDEO, start)
    assert seen(recorder, f"b/2026-11-23/-17-{film}") == ("camera-17", VIDEO, start)
    assert seen(recorder, "Ääni/x01-20261123031143.mp4") == ("Ääni/x", VIDEO, start)
    assert seen(recorder, "2026-11-23/Ääni/x-03:11:43-01-05.jpg") == ("Ääni/x", STILL, start)
    assert seen(recorder, "b/2026-11-23/-03:11:43-01-05.jpg") == ("camera-17", STILL, start)
    assert seen(recorder, "b/lastsnap.jpg") == ("camera-17", STILL, None)
    assert seen(recorder, "lastsnap.jpg") is None  # two cameras overwrite it in turn
    assert [(device.camera, device.records_audio) for device in recorder.devices()] == [
        ("Waiting room (1)", True),
        ("camera-17", False),
        ("Ääni/x", False),
    ]


def test_debian_names_carry_the_number_of_the_camera(site: Site) -> None:
    text = "target_dir $STORE\nmovie_filename %t-%v-%Y%m%d%H%M%S\n{}camera a.conf\ncamera b.conf\n"
    recorder = site.recorder(text.format(""), a="camera_name a\n", b="camera_id 101\n")
    start = at(2026, 11, 23, 3, 11, 39)
    assert seen(recorder, "1-01-20261123031139.mkv") == ("a", VIDEO, start)
    assert seen(recorder, "101-01-20261123031139.mkv") == ("camera-101", VIDEO, start)
    assert seen(recorder, "7-01-20261123031139.mkv") == ("camera-7", VIDEO, start)


@pytest.mark.parametrize("number", ["0", "1"])
def test_the_only_camera_is_known_by_the_number_either_motion_gives_it(site: Site, number: str) -> None:
    recorder = site.recorder("target_dir $STORE\ncamera_name a\nmovie_filename %t-%v-%Y%m%d%H%M%S\n")
    found = seen(recorder, f"{number}-01-20261123031139.mkv")
    assert found is not None
    assert found[0] == "a"


@pytest.mark.parametrize("number", ["  7", "007", "7"])
def test_a_number_is_the_same_however_it_is_padded(site: Site, number: str) -> None:
    recorder = site.recorder("target_dir $STORE\ncamera_name a\ncamera_id 7\nmovie_filename %3t-%s\n")
    assert seen(recorder, f"{number}-1780000000.mkv") == ("a", VIDEO, at(2026, 5, 28, 20, 26, 40))


@pytest.mark.parametrize("directory", ["a-01/1_    1", "a-01/1_00001"])
def test_widths_and_odd_specifiers_are_read(site: Site, directory: str) -> None:
    recorder = site.recorder("target_dir $STORE\ncamera_name a-01\nmovie_filename %$/%t_%5t/%H.%M.%S %Y-%j %D %%x%o\n")
    found = seen(recorder, f"{directory}/03.11.43 2026-327 329 %x1500.mkv")
    assert found == ("a-01", VIDEO, at(2026, 11, 23, 3, 11, 43))


def test_a_preview_beside_a_film_is_a_still(site: Site) -> None:
    recorder = site.recorder("target_dir $STORE\ncamera_name a\npicture_filename preview\npicture_output first\n")
    assert seen(recorder, "01-20261123031139.jpg") == ("a", STILL, at(2026, 11, 23, 3, 11, 39))


# --- what is not a recording ----------------------------------------------------------------------------------


def test_the_link_to_the_newest_snapshot_is_kept(site: Site) -> None:
    recorder = site.recorder("target_dir $STORE\n")
    assert isinstance(classify(recorder, "lastsnap.jpg", EntryKind.LINK), Kept)
    assert classify(recorder, "01-20261123031139.mkv", EntryKind.LINK) == Unclassified()


@pytest.mark.parametrize(
    "path",
    [
        "01-20261123031139.mkv.thumb",
        "01-20261123031139",
        "01-20261123031139.txt",
        "1-20261323031139.mkv",
        "holiday.mp4",
        "other/01-20261123031139.mkv",
        "lastsnap.jpg",
        ".keep",
    ],
)
def test_other_files_in_the_store_are_unclassified(site: Site, path: str) -> None:
    assert classify(site.recorder("target_dir $STORE\n"), path) == Unclassified()


# --- which camera ---------------------------------------------------------------------------------------------


def test_a_camera_that_was_removed_is_still_recognised(site: Site) -> None:
    recorder = site.recorder("target_dir $STORE\ncamera_name a\nmovie_filename %$-%v-%Y%m%d%H%M%S\n")
    found = seen(recorder, "old garage-01-20261123031139.mkv")
    assert found is not None
    assert found[0] == "old garage"


def test_the_longer_name_is_not_taken_for_the_shorter(site: Site) -> None:
    recorder = site.recorder(
        "target_dir $STORE\nmovie_filename %$-%v-%Y%m%d%H%M%S\ncamera one.conf\ncamera two.conf\n",
        one="camera_name hall\n",
        two="camera_name hall-01\n",
    )
    shorter, longer = seen(recorder, "hall-01-20261123031139.mkv"), seen(recorder, "hall-01-01-20261123031139.mkv")
    assert shorter is not None
    assert shorter[0] == "hall"
    assert longer is not None
    assert longer[0] == "hall-01"


def test_a_name_in_doubt_is_not_taken_for_a_removed_camera(site: Site) -> None:
    recorder = site.recorder(
        "target_dir $STORE\ncamera one.conf\ncamera two.conf\n",
        one="camera_name 0\nmovie_filename %v-%Y%m%d%H%M%S-%$\n",
        two="camera_name 01\nmovie_filename %$%v-%Y%m%d%H%M%S-%q\n",
    )
    assert seen(recorder, "0100-20261123031139-00.mkv") is None


def test_default_names_in_directories_belong_to_the_directory(site: Site) -> None:
    recorder = site.build(None)
    assert seen(recorder, "hall/01-20261123031139.mkv") == ("hall", VIDEO, at(2026, 11, 23, 3, 11, 39))
    assert seen(recorder, "hall/1-01-20261123031139.mkv") == ("hall", VIDEO, at(2026, 11, 23, 3, 11, 39))
    assert seen(recorder, "1-01-20261123031139.mkv") == ("camera-1", VIDEO, at(2026, 11, 23, 3, 11, 39))
    assert not recorder.is_past(b"hall", at(2026, 12, 22))


def test_layouts_in_place_of_a_configuration_replace_the_default_names(site: Site) -> None:
    recorder = site.build(None, ("{camera}/%Y%m%d%H%M%S.mkv",))
    assert seen(recorder, "hall/20261123031139.mkv") == ("hall", VIDEO, at(2026, 11, 23, 3, 11, 39))
    assert seen(recorder, "01-20261123031139.mkv") is None


def test_layouts_beside_a_configuration_are_added(site: Site) -> None:
    recorder = site.recorder("target_dir $STORE\ncamera_name a\n", ("old/{camera}/%Y%m%d%H%M%S.avi",))
    assert seen(recorder, "old/hall/20261123031139.avi") == ("hall", VIDEO, at(2026, 11, 23, 3, 11, 39))
    assert seen(recorder, "01-20261123031139.mkv") == ("a", VIDEO, at(2026, 11, 23, 3, 11, 39))


# --- configurations -------------------------------------------------------------------------------------------


def test_a_camera_of_another_store_is_reported_but_not_recognised(site: Site) -> None:
    recorder = site.recorder(
        "camera one.conf\ncamera two.conf\n",
        one="camera_name here\ntarget_dir $STORE/here\n",
        two="camera_name there\ntarget_dir /srv/elsewhere\n",
    )
    assert [device.camera for device in recorder.devices()] == ["here", "there"]
    assert {device.source for device in recorder.devices()} == {"motion.conf"}
    assert seen(recorder, "here/01-20261123031139.mkv") is not None
    assert seen(recorder, "01-20261123031139.mkv") is None


def test_a_neighbouring_directory_is_not_the_store(site: Site) -> None:
    assert "no camera of Motion writes below" in trouble(site.recorder("target_dir $STORE-old\n"))


def test_a_target_behind_a_link_is_found(site: Site) -> None:
    link = site.conf.parent / "link"
    link.symlink_to(site.store)
    recorder = site.recorder(f"target_dir {link}/cams\ncamera_name a\n")
    assert seen(recorder, "cams/01-20261123031139.mkv") is not None


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ("", "write an absolute path"),
        ("target_dir media\n", "write an absolute path"),
        ("target_dir $STORE\nmovie_filename %B-%Y%m%d\n", "write the time as"),
        ("target_dir $STORE\nmovie_filename %Y%m%d%{hots}\n", "no specifier of Motion"),
        ("target_dir $STORE\nmovie_filename %v%Y%m%d%q\n", "write text between"),
        ("target_dir $STORE\nmovie_filename ../%Y%m%d\n", "leaves target_dir"),
        ("target_dir $STORE\nmovie_filename %C\n", "would recognise every file"),
        ("target_dir $STORE\ncamera_name 50%Y\nmovie_filename %$%Y%m%d\n", "rename the camera"),
    ],
)
def test_a_configuration_that_cannot_be_read_back_is_a_trouble_with_the_remedy(
    site: Site, settings: str, remedy: str
) -> None:
    assert remedy in trouble(site.recorder(settings))


def test_two_cameras_that_write_the_same_names_make_them_nobodys(site: Site) -> None:
    main = "target_dir $STORE\ncamera one.conf\ncamera two.conf\n"
    recorder = site.recorder(main, one="camera_name a\n", two="camera_name b\n")
    assert re.search(r"cameras 'a' and 'b' both write .* put %\$", trouble(recorder))
    assert seen(recorder, "01-20261123030018.mkv") is None


def test_same_names_that_nobody_writes_are_unclassified(site: Site) -> None:
    main = "target_dir $STORE\nmovie_filename %$-%s\ncamera one.conf\ncamera two.conf\n"
    recorder = site.recorder(main, one="camera_name a\n", two="camera_name b\n")
    assert seen(recorder, "01-20261123030018-snapshot.jpg") is None


def test_devices_are_read_anew_each_time(site: Site) -> None:
    recorder = site.recorder("target_dir $STORE\ncamera_name a\n")
    site.conf.write_text("target_dir /srv\ncamera_name b\nmovie_passthrough on\n")
    assert [(device.camera, device.records_audio) for device in recorder.devices()] == [("b", True)]


def test_devices_that_cannot_be_read_are_a_storage_error(site: Site) -> None:
    recorder = site.recorder("target_dir $STORE\ncamera_name a\n")
    site.conf.write_text("camera_id one\n")
    with pytest.raises(StorageError, match="is no number"):
        recorder.devices()
    site.conf.rename(site.conf.with_suffix(".away"))
    with pytest.raises(StorageError, match="cannot be read"):
        recorder.devices()


def test_names_that_are_no_text_survive_the_configuration(site: Site) -> None:
    site.conf.write_bytes(b"target_dir %s\ncamera_name H\xf6f\nmovie_filename %%$-%%s\n" % bytes(site.store))
    recorder = site.build(str(site.conf))
    (device,) = recorder.devices()
    (sighting,) = recorder.classify(b"", [Entry(b"H\xf6f-1780000000.mkv", EntryKind.FILE)])
    assert isinstance(sighting, Recognised)
    assert sighting.camera == device.camera == r"H\xf6f"


def test_a_number_that_only_motion_knows_is_nobodys_but_its_own(site: Site) -> None:
    """Motion counts the files of a directory in the order of the disk, so that 2 may be the one or the other."""
    (site.conf.parent / "conf.d").mkdir()
    for name in ("a", "b"):
        (site.conf.parent / "conf.d" / f"{name}.conf").write_text(f"camera_name {name}\n")
    recorder = site.recorder("target_dir $STORE\nmovie_filename %t-%Y%m%d%H%M%S\ncamera_dir conf.d\n")
    found = seen(recorder, "2-20261123031139.mkv")
    assert found is not None
    assert found[0] == "camera-2"


def test_films_that_a_program_writes_have_its_extension(site: Site) -> None:
    recorder = site.recorder(
        "target_dir $STORE\ncamera_name a\nmovie_extpipe_use on\nmovie_extpipe ffmpeg -i pipe:0 %f.ts\n"
    )
    assert seen(recorder, "01-20261123031139.ts") == ("a", VIDEO, at(2026, 11, 23, 3, 11, 39))
    assert seen(recorder, "01-20261123031139.m2ts") is None
