//! PYC815.

use crate::image;
use crate::image::Layer;
use crate::name::Name;
use crate::rules::ArtifactContext;
use crate::rules::Findings;
use crate::rules::Severity;
use crate::rules::declare_rule;

declare_rule! {
    /// ## What it reports
    /// Bytecode in a layer of a container image whose source a later layer changed or removed.
    ///
    /// ## Why it matters
    /// Whoever removes a secret from a source and builds the image anew does not remove it from the bytecode: the pyc is still in
    /// the lower layer, and often in the running container. PyPI's own administration token leaked that way in 2024.
    ///
    /// ## Innocent causes
    /// A later layer that upgrades or removes a package: both the sources and the bytecode of the old one stay in the lower layer.
    ///
    /// ## Severity
    /// High when the pyc is still in the file system of the whole image, where it is left of a source that is not the one beside
    /// it. Low, and one finding for two layers, when the later layer replaces or removes the pyc too: it can still be taken out of
    /// the lower layer.
    ///
    /// ## What to do
    /// Look at the strings of the pyc (`pycaudit inspect`), and treat what is secret in it as published. Build the image without
    /// bytecode (`PYTHONDONTWRITEBYTECODE=1`) or remove it in the step that writes it.
    ///
    /// ## References
    /// OCI image specification, "Image Layer Filesystem Changeset"; "Binary secret scanning helped us prevent (what might have been)
    /// the worst supply chain attack you can imagine", JFrog, July 2024.
    id: "PYC815",
    name: "layer-residue",
    summary: "a lower layer of an image has bytecode of a source that was changed or removed above",
    severity: High,
    check: Artifact(check),
}

fn check(context: &ArtifactContext<'_>, findings: &mut Findings<'_>) {
    for image in context.images {
        let found: Vec<_> = image.iter().filter_map(|id| Some((*id, context.layers.get(id)?))).collect();
        let layers: Vec<&Layer> = found.iter().map(|&(_, layer)| layer).collect();
        let locate = |layer: usize| found.get(layer).map(|&(id, _)| context.container.locate(id));
        let number = |layer: usize| layer.saturating_add(1);
        let mut covered: Vec<(usize, usize, Vec<u8>, u64)> = Vec::new();
        for residue in image::residues(&layers) {
            let what = if residue.is_removed { "removes" } else { "changes" };
            if residue.is_visible {
                let pyc = Name::new(residue.pyc);
                let (from, by) = (number(residue.layer), number(residue.by));
                let finding = findings.add(format!("`{pyc}` is left of a source that layer {by} of the image {what}"));
                finding.compared("bytecode of the sources of the image", format!("that of layer {from}"));
                if let Some(layer) = locate(residue.layer) {
                    finding.about(layer.member(pyc));
                }
                continue;
            }
            let same = covered.iter_mut().find(|(layer, by, ..)| (*layer, *by) == (residue.layer, residue.by));
            match same {
                Some((.., count)) => *count = count.saturating_add(1),
                None => covered.push((residue.layer, residue.by, residue.pyc, 1)),
            }
        }
        for (layer, by, pyc, count) in covered {
            let pyc = Name::new(pyc);
            let (from, by) = (number(layer), number(by));
            let finding = findings.add(format!(
                "layer {from} of the image still has {count} pycs whose sources layer {by} changes or removes, `{pyc}` first"
            ));
            finding.compared("no bytecode of other sources", format!("{count} pycs")).severity(Severity::Low);
            if let Some(layer) = locate(layer) {
                finding.about(layer.member(pyc));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::Case;
    use crate::forge::Pyc;
    use crate::forge::Tar;

    const PYC: &str = "app/__pycache__/m.cpython-312.pyc";

    fn image(layers: &[Tar]) -> Case {
        let names: Vec<String> = (0..layers.len()).map(|at| format!("\"{at}/layer.tar\"")).collect();
        let manifest = format!("[{{\"Config\":\"c.json\",\"Layers\":[{}]}}]", names.join(","));
        let mut tar = Tar::new().file("manifest.json", manifest);
        for (at, layer) in layers.iter().enumerate() {
            tar = tar.file(&format!("{at}/layer.tar"), layer.build());
        }
        Case::bytes(tar.build()).named("image.tar")
    }

    fn first() -> Tar {
        Tar::new().file("app/m.py", "token = 1\n").file(PYC, Pyc::python("3.12").build())
    }

    #[test]
    fn flags_bytecode_whose_source_is_cleaned_in_a_later_layer() {
        let finding = image(&[first(), Tar::new().file("app/m.py", "token = 0\n")]).flags(&RULE);
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(finding.locator.member_shown(), format!("0/layer.tar!{PYC}"));
        let removed = image(&[first(), Tar::new().file("app/.wh.m.py", "")]).flags(&RULE);
        assert!(removed.message.contains("removes"));
    }

    #[test]
    fn what_is_replaced_along_with_its_source_weighs_little() {
        let replaced = Tar::new().file("app/m.py", "token = 0\n").file(PYC, Pyc::python("3.12").build());
        assert_eq!(image(&[first(), replaced]).flags(&RULE).severity, Severity::Low);
        assert_eq!(image(&[first(), Tar::new().file(".wh.app", "")]).flags(&RULE).severity, Severity::Low);
    }

    #[test]
    fn passes_layers_that_leave_sources_alone() {
        image(&[first(), Tar::new().file("app/n.py", "")]).passes(&RULE);
        image(&[first(), Tar::new().file("app/m.py", "token = 1\n")]).passes(&RULE);
    }
}
