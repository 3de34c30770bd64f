export { parseAddress, ssocksFamily, type ParsedAddress } from './address';
export { requireBlockDevice } from './block-device';
export { parseCall, requestOf, type Call, type Reading, type Target } from './call';
export { isDeviceWord, minorOf } from './device';
export { getopt, type Explain, type GivenOption, type OptionSpec, type Parsed } from './getopt';
export { asksForHelp, HELP_WORDS } from './help-words';
export { nearest } from './nearest';
export { LONGEST_WAIT_SECONDS, parseExact, parseSigned, parseUnsigned, quote, type DefaultUnit } from './number';
export { optionsOf, wordsOf, type Option, type OptionKind, type OptionRow } from './option';
export { parseNumber, refuseBeyondRange, type BeyondRange, type NumberRules } from './range';
export { REDACTED, redactWords, secretMask } from './secrets';
export { defaultText, formatValue, isDefault, parseValue, valueToJson, type OptionValue } from './value';
export {
  findCommand,
  plainCommand,
  setDefaults,
  waitOptions,
  type Action,
  type Argument,
  type Command,
  type Manner,
  type ObjectKind,
  type PlainOption,
  type RequestFlag,
  type Vocabulary,
} from './vocabulary';
