//! What the intake found in a file, and what other batches have to do with it, for `checked.html`.

use minijinja::{Value, context};

use super::{
    view::{Failure, segment},
    words::Language,
};
use crate::{
    elsewhere::{Elsewhere as Found, elsewhere},
    intake::{Checked, Finding},
    report::{grouped, plain},
    serve::Site,
};

/// Findings that are listed; the others are counted.
const LISTED: usize = 200;

/// What other batches have to do with the file. Nobody asks about rehearsals with a store of their
/// own: they pay the same rows again and again.
pub(super) struct Elsewhere(Option<Found>);

impl Elsewhere {
    /// Looks into every other batch.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn of(site: &Site, checked: &Checked) -> Result<Self, Failure> {
        if site.settings.is_repeatable || checked.valid == 0 || checked.beyond_rows().is_some() {
            return Ok(Self(None));
        }
        Ok(Self(Some(elsewhere(&*site.store, checked).await?)))
    }

    fn values(&self, language: Language) -> Option<Value> {
        let found = self.0.as_ref().filter(|it| it.count() > 0 || !it.twins.is_empty())?;
        let mut lines = Vec::new();
        for (batch, shared) in &found.shared {
            let counted = [
                ("checked.elsewhere_same", shared.same),
                ("checked.elsewhere_other", shared.other),
            ];
            for (key, count) in counted.into_iter().filter(|(_, count)| *count > 0) {
                let rows = language.count("rows", count);
                lines.push(language.fill(key, &[("batch", batch), ("rows", &rows)]));
            }
        }
        for batch in &found.twins {
            lines.push(language.fill("checked.elsewhere_twin", &[("batch", batch)]));
        }
        let clashes = found.clashes.iter().map(|clash| {
            let there = &clash.there;
            context! {
                reference => &there.reference,
                batch => &there.batch,
                href => format!("/batches/{}/rows?row={}", segment(&there.batch), there.row),
                outcome => there.outcome.as_str(),
                differs => (!clash.differs.is_empty()).then(|| clash.differs.join(", ")),
            }
        });
        Some(context! {
            count => found.count(),
            lines,
            clashes => clashes.collect::<Vec<_>>(),
        })
    }
}

/// All that the page shows of a file.
pub(super) fn values(
    name: &str,
    checked: &Checked,
    elsewhere: &Elsewhere,
    language: Language,
) -> Value {
    let sums = checked.totals.iter().map(|(currency, amount)| {
        context! {
            currency => currency.as_str(),
            amount => grouped(&plain(*amount, currency)),
        }
    });
    context! {
        file => name,
        rows => grouped(&checked.rows.to_string()),
        valid => grouped(&checked.valid.to_string()),
        sums => sums.collect::<Vec<_>>(),
        problems => findings(&checked.problems),
        problem_count => checked.problems.len(),
        warnings => findings(&checked.warnings),
        warning_count => checked.warnings.len(),
        can_make => checked.is_good() || checked.can_skip_problems(),
        is_good => checked.is_good(),
        elsewhere => elsewhere.values(language),
    }
}

fn findings(findings: &[Finding]) -> Value {
    let listed = findings.iter().take(LISTED).map(|finding| {
        context! {
            line => finding.line,
            is_whole => finding.row.is_none(),
            column => &finding.column,
            value => &finding.value,
            message => &finding.message,
            hint => &finding.hint,
        }
    });
    let more = findings.len().saturating_sub(LISTED);
    context! { listed => listed.collect::<Vec<_>>(), more }
}
