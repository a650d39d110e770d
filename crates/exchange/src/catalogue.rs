//! Listed assets and markets with the texts that people and JSON use.

use ensoex_engine::Engine;
use ensoex_types::{
    Amount, AssetId, DecimalError, MarketId, MarketSpec, Price, Quantity, format_decimal, parse_decimal,
};

/// An asset as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetListing {
    /// Its id.
    pub asset: AssetId,
    /// For example `EUR`.
    pub code: String,
    /// Decimals of the smallest unit.
    pub scale: u8,
}

impl AssetListing {
    /// Exact decimal text of an amount, with all decimals of the scale.
    pub fn text(&self, amount: Amount) -> String {
        format_amount(amount, self.scale)
    }

    /// Reads a non-negative decimal.
    ///
    /// # Errors
    /// [`DecimalError`] when the text is not an exact amount of this asset.
    pub fn parse(&self, text: &str) -> Result<Amount, DecimalError> {
        parse_decimal(text, self.scale).map(Amount)
    }
}

/// A market as listed, with its assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketListing {
    /// Its id.
    pub market: MarketId,
    /// Units, limits and fees.
    pub spec: MarketSpec,
    /// What is traded.
    pub base: AssetListing,
    /// What prices it.
    pub quote: AssetListing,
}

impl MarketListing {
    /// Reads a price in quote per 1 base.
    ///
    /// # Errors
    /// [`DecimalError::TooPrecise`] when it is not a whole number of ticks.
    pub fn parse_price(&self, text: &str) -> Result<Price, DecimalError> {
        units(parse_decimal(text, self.spec.price_scale)?, self.spec.tick_units).map(Price)
    }

    /// Reads a quantity in base.
    ///
    /// # Errors
    /// [`DecimalError::TooPrecise`] when it is not a whole number of lots.
    pub fn parse_quantity(&self, text: &str) -> Result<Quantity, DecimalError> {
        units(parse_decimal(text, self.base.scale)?, self.spec.lot_size).map(Quantity)
    }

    /// Reads an amount of quote.
    ///
    /// # Errors
    /// [`DecimalError`] when the text is not an exact amount.
    pub fn parse_quote(&self, text: &str) -> Result<Amount, DecimalError> {
        self.quote.parse(text)
    }

    /// Price in quote per 1 base.
    pub fn price_text(&self, price: Price) -> String {
        format_price(price, &self.spec)
    }

    /// Quantity in base.
    pub fn quantity_text(&self, quantity: Quantity) -> String {
        format_quantity(quantity, &self.spec, self.base.scale)
    }

    /// Amount of quote.
    pub fn quote_text(&self, amount: Amount) -> String {
        self.quote.text(amount)
    }

    /// Amount of base.
    pub fn base_text(&self, amount: Amount) -> String {
        self.base.text(amount)
    }

    /// One tick, as a price.
    pub fn tick_size_text(&self) -> String {
        self.price_text(Price(1))
    }

    /// One lot, in base.
    pub fn lot_size_text(&self) -> String {
        self.quantity_text(Quantity(1))
    }

    /// Executed quote over executed base, rounded down to the quote's scale; none before the first fill.
    pub fn average_price_text(&self, executed_quote: Amount, executed: Quantity) -> Option<String> {
        if executed.0 == 0 {
            return None;
        }
        let base_units = i128::from(executed.0).checked_mul(i128::from(self.spec.lot_size))?;
        let one_base = 10_i128.checked_pow(u32::from(self.base.scale))?;
        let average = executed_quote.0.checked_mul(one_base)?.checked_div(base_units)?;
        Some(format_decimal(average, self.quote.scale))
    }
}

/// Exact decimal text of an amount.
pub fn format_amount(amount: Amount, scale: u8) -> String {
    format_decimal(amount.0, scale)
}

/// Price in quote per 1 base.
pub fn format_price(price: Price, spec: &MarketSpec) -> String {
    format_decimal(
        i128::from(price.0).saturating_mul(i128::from(spec.tick_units)),
        spec.price_scale,
    )
}

/// Quantity in base.
pub fn format_quantity(quantity: Quantity, spec: &MarketSpec, base_scale: u8) -> String {
    format_decimal(
        i128::from(quantity.0).saturating_mul(i128::from(spec.lot_size)),
        base_scale,
    )
}

/// All assets of an engine, in the order listed.
pub fn assets(engine: &Engine) -> Vec<AssetListing> {
    let listed = engine.assets().iter().enumerate();
    listed
        .map(|(index, spec)| AssetListing {
            asset: AssetId(u16::try_from(index).unwrap_or(u16::MAX)),
            code: spec.code.clone(),
            scale: spec.scale,
        })
        .collect()
}

/// All markets of an engine, in the order listed.
pub fn markets(engine: &Engine) -> Vec<MarketListing> {
    let assets = assets(engine);
    let ids = (0..engine.market_count())
        .filter_map(|index| u16::try_from(index).ok())
        .map(MarketId);
    ids.filter_map(|market| {
        let spec = engine.market(market)?.clone();
        let base = assets.get(usize::from(spec.base.0))?.clone();
        let quote = assets.get(usize::from(spec.quote.0))?.clone();
        Some(MarketListing {
            market,
            spec,
            base,
            quote,
        })
    })
    .collect()
}

fn units(value: i128, unit: u64) -> Result<u64, DecimalError> {
    let unit = i128::from(unit);
    if value % unit != 0 {
        return Err(DecimalError::TooPrecise);
    }
    u64::try_from(value / unit).map_err(|_| DecimalError::TooLarge)
}
