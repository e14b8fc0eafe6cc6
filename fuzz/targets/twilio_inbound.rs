#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twinwire_fuzz::twilio_inbound(data));
