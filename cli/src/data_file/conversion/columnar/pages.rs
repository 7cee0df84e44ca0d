//! Bounds what the pages of a column take in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

/// The largest page that is read. Writers make pages of 1 MiB; some give a whole column chunk one page.
pub(super) const MAX_PAGE_BYTES: usize = 256 * 1024 * 1024;

/// The most values of a repeated column that are read at once: a page of a few bytes can claim billions, and all of them
/// belong to one row if it says so.
const MAX_REPEATED_VALUES: u64 = 16 * 1024 * 1024;

/// The pages of a column that may be read before [`PageAllowance::renew`].
#[derive(Debug, Clone, Default)]
pub(super) struct PageAllowance {
    used: Arc<AtomicU64>,
}

impl PageAllowance {
    pub(super) fn renew(&self) {
        self.used.store(0, Ordering::Relaxed);
    }
}

/// The pages of a column, without those that are too large.
pub(super) struct BoundedPages {
    pages: Box<dyn PageReader>,
    is_repeated: bool,
    allowance: PageAllowance,
}

impl BoundedPages {
    pub(super) fn new(pages: Box<dyn PageReader>, is_repeated: bool, allowance: PageAllowance) -> Self {
        Self { pages, is_repeated, allowance }
    }

    fn check(&self, page: &Page) -> Result<()> {
        let bytes = page.buffer().len();
        if bytes > MAX_PAGE_BYTES {
            let reason = format!("a page has {bytes} bytes, and restctl reads at most {MAX_PAGE_BYTES}");
            return Err(ParquetError::General(reason));
        }
        let values = u64::from(page.num_values());
        let used = self.allowance.used.fetch_add(values, Ordering::Relaxed).saturating_add(values);
        if self.is_repeated && used > MAX_REPEATED_VALUES {
            let reason = format!("a few rows have more than {MAX_REPEATED_VALUES} values in one column");
            return Err(ParquetError::General(reason));
        }
        Ok(())
    }
}

impl Iterator for BoundedPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for BoundedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        page.iter().try_for_each(|page| self.check(page))?;
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}
