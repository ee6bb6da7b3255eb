//! The thread over real files.

use super::*;

fn told(watch: &Watch) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let changed = watch.changed(Watched::Lists);
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), changed).await.is_ok() })
}

#[test]
fn a_change_is_told_with_and_without_the_help_of_the_system() {
    for settings in [
        Settings { poll: Duration::from_millis(20), wake: false, ..Settings::default() },
        Settings { poll: Duration::from_secs(3600), ..Settings::default() },
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (list, aside) = (dir.path().join("list"), dir.path().join("aside"));
        std::fs::write(&list, "bet.example\n").unwrap();
        let watch = Watch::start(settings).unwrap();
        watch.renew(Watched::Lists, Stamps::of([list.clone()]));
        std::fs::write(&list, "bet.example\nwin.example\n").unwrap();
        assert!(told(&watch), "written in place");
        std::fs::write(&aside, "bet.example\n").unwrap();
        std::fs::rename(&aside, &list).unwrap();
        assert!(told(&watch), "renamed over");
        std::fs::remove_file(&list).unwrap();
        assert!(told(&watch), "removed");
        std::fs::write(&list, "bet.example\n").unwrap();
        assert!(told(&watch), "put back");
    }
}

#[test]
fn a_file_behind_a_link_is_watched_where_it_is() {
    let (dir, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (link, file) = (dir.path().join("list"), there.path().join("file"));
    std::fs::write(&file, "bet.example\n").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let folders = folders_of([&*link].into_iter());
    assert!(folders.contains(dir.path()) && folders.contains(&there.path().canonicalize().unwrap()), "{folders:?}");
    let watch = Watch::start(Settings { poll: Duration::from_secs(3600), ..Settings::default() }).unwrap();
    watch.renew(Watched::Lists, Stamps::of([link]));
    std::fs::write(&file, "win.example\n").unwrap();
    assert!(told(&watch));
}
