//! Control groups: which ones a process is in, in either hierarchy, and what limits them.

use super::Host;

impl Host {
    /// A file of every control group of version 2 around the process that has it, the innermost first.
    pub(crate) fn group_files(&self, file: &str) -> Vec<String> {
        self.files_around("", self.unified(), file)
    }

    /// The same of a controller of version 1.
    pub(crate) fn older_group_files(&self, controller: &str, file: &str) -> Vec<String> {
        self.files_around(controller, &format!("sys/fs/cgroup/{controller}"), file)
    }

    fn files_around(&self, controller: &str, hierarchy: &str, file: &str) -> Vec<String> {
        let Some(path) = self.group(controller) else { return Vec::new() };
        groups_around(&path).filter_map(|group| self.text(&format!("{hierarchy}/{group}/{file}"))).collect()
    }

    /// Version 2 has the place to itself, or is beside version 1.
    fn unified(&self) -> &'static str {
        let beside = self.has("sys/fs/cgroup/unified");
        if beside { "sys/fs/cgroup/unified" } else { "sys/fs/cgroup" }
    }

    /// The path of the process below the root of a hierarchy: of version 2 for `""`, else of a version 1 controller.
    fn group(&self, controller: &str) -> Option<String> {
        self.of_process("cgroup")?.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?);
            let same = if controller.is_empty() {
                controllers.is_empty()
            } else {
                controllers.split(',').any(|one| one == controller)
            };
            let path = path.trim_matches('/');
            // A group outside of our namespace is written as `/../..`: all that we see of it is the root.
            let is_outside = path.split('/').any(|part| part == "..");
            same.then(|| if is_outside { String::new() } else { path.to_owned() })
        })
    }
}

/// A path, its parent, and so on up to the root, which a container often sees instead of its own.
fn groups_around(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        (!path.is_empty()).then(|| path.rsplit_once('/').map_or("", |(parent, _)| parent))
    })
}

#[cfg(test)]
mod tests {
    use super::groups_around;

    #[test]
    fn the_groups_around_a_path_end_with_the_root() {
        assert_eq!(groups_around("a/b/c").collect::<Vec<_>>(), ["a/b/c", "a/b", "a", ""]);
        assert_eq!(groups_around("").collect::<Vec<_>>(), [""]);
    }
}
