//! Currencies and how many decimals their amounts have.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The currencies of ISO 4217 whose minor unit is a hundredth.
const TWO: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD \
CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD \
HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP \
MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG \
SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD \
XCD XCG YER ZAR ZMW ZWG";
/// Those without a minor unit.
const NONE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
/// Those with thousandths.
const THREE: &str = "BHD IQD JOD KWD LYD OMR TND";
/// Those with ten-thousandths.
const FOUR: &str = "CLF UYW";

/// How many decimals amounts of a currency have, by its ISO 4217 code in upper case; none for a code
/// that is no currency's.
pub fn currency_decimals(code: &str) -> Option<u32> {
    static DECIMALS: LazyLock<HashMap<&str, u32>> = LazyLock::new(|| {
        let groups = [(TWO, 2), (NONE, 0), (THREE, 3), (FOUR, 4)];
        groups.into_iter().flat_map(|(codes, n)| codes.split(' ').map(move |c| (c, n))).collect()
    });
    DECIMALS.get(code).copied()
}
