/**
 * Where ours differs from Kafka Streams on purpose: the scenario, the decision that says why, and what ours gives instead.
 */
export interface Difference {
  /** In docs/decisions. */
  readonly decision: string;
  /** All outputs, one a line: after which step, topic, key, value, @time. */
  readonly ours: string;
}

const allWindows = '0020-final-results-are-never-lost';

export const differences: { readonly [scenario: string]: Difference } = {
  'tumbling-on-close-after-jumps': {
    decision: allWindows,
    ours: `
      7 out {"key":"A","start":0,"end":10} 3 @9
      9 out {"key":"A","start":10,"end":20} 2 @13
      9 out {"key":"B","start":10,"end":20} 2 @15
      14 out {"key":"A","start":20,"end":30} 1 @20
      14 out {"key":"B","start":20,"end":30} 1 @25`,
  },
  'hopping-on-close-after-jumps': {
    decision: allWindows,
    ours: `
      4 out {"key":"A","start":0,"end":10} "abd" @9
      9 out {"key":"A","start":4,"end":14} "bdegi" @13
      9 out {"key":"B","start":4,"end":14} "c" @10
      9 out {"key":"A","start":8,"end":18} "begi" @13
      9 out {"key":"B","start":8,"end":18} "ch" @15
      9 out {"key":"A","start":12,"end":22} "eg" @13
      9 out {"key":"B","start":12,"end":22} "h" @15
      14 out {"key":"A","start":16,"end":26} "lm" @20
      14 out {"key":"B","start":16,"end":26} "j" @25
      14 out {"key":"A","start":20,"end":30} "m" @20
      14 out {"key":"B","start":20,"end":30} "j" @25
      14 out {"key":"B","start":24,"end":34} "j" @25`,
  },
  'sliding-on-close-after-jumps': {
    decision: allWindows,
    ours: `
      3 out {"key":"A","start":2,"end":12} "a" @12
      3 out {"key":"A","start":5,"end":15} "abc" @15
      6 out {"key":"A","start":13,"end":23} "bcf" @18
      6 out {"key":"A","start":15,"end":25} "bcdf" @25
      6 out {"key":"A","start":16,"end":26} "df" @25
      6 out {"key":"B","start":16,"end":26} "e" @26
      6 out {"key":"A","start":19,"end":29} "d" @25
      9 out {"key":"A","start":26,"end":36} "g" @36
      11 out {"key":"A","start":37,"end":47} "j" @47
      14 out {"key":"A","start":50,"end":60} "l" @60`,
  },
  'tumbling-cogroup-lagging': {
    decision: '0022-cogrouped-windows-have-one-clock',
    ours: `
      0 out {"key":"A","start":0,"end":10} "la" @1
      1 out {"key":"A","start":40,"end":50} "rb" @40
      4 out {"key":"A","start":40,"end":50} "rble" @41`,
  },
  'stream-left-join-several-waiting': {
    decision: '0023-unpaired-records-go-when-their-windows-are-over',
    ours: `
      3 out "A" "a+null" @10
      4 out "A" "b+null" @12
      5 out "A" "c+null" @14
      5 out "B" "d+f" @20
      5 out "B" "e+f" @20
      7 out "A" "g+null" @22`,
  },
  'suppress-then-group': {
    decision: '0021-suppress-sends-the-former-value-it-sent',
    ours: `
      1 out "A" 2 @20
      4 out "A" 4 @24
      6 out "A" 14 @40
      6 out "A" 10 @60
      8 out "A" 20 @80`,
  },
};
