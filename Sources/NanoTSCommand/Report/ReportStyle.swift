/// How the page looks, by day and by night, on wide and narrow screens.
enum ReportStyle {
  private static let light = [
    "#2a78d6", "#008f5a", "#b97800", "#7a3fb8", "#d03b3b", "#0b8fa3", "#c2478b", "#5d7a12",
  ]
  private static let dark = [
    "#5aa2f2", "#35b98a", "#d9a03a", "#ad84e6", "#ee7b73", "#46bfd2", "#e583b8", "#9bb84b",
  ]

  static var text: String {
    [
      ":root {\(variables(light))\(lightColours)}",
      "@media (prefers-color-scheme: dark) { :root {\(variables(dark))\(darkColours)} }",
      (0..<StreamColours.count).map { ".s\($0) { --series: var(--s\($0)); }" }.joined(separator: "\n"), rules,
    ].joined(separator: "\n")
  }

  private static func variables(_ colours: [String]) -> String {
    colours.enumerated().map { " --s\($0): \($1);" }.joined()
  }

  private static let lightColours = """
     --ground: #ffffff; --panel: #f6f8fa; --ink: #1f2328; --dim: #59636e; --rule: #d1d9e0; --grid: #e3e8ed;
    --good: #1a7f37; --bad: #cf222e; --line: #0969da; --rest: #8c959f;
    """
  private static let darkColours = """
     --ground: #0d1117; --panel: #151b23; --ink: #e6edf3; --dim: #9198a1; --rule: #30363d; --grid: #262c33;
    --good: #3fb950; --bad: #f85149; --line: #4493f8; --rest: #6e7681;
    """

  private static let rules = """
    .other { --series: var(--rest); }
    .free { --series: var(--grid); }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
    main { max-width: 1120px; margin: 0 auto; padding: 24px 20px 48px; }
    h1 { margin: 0; font-size: 26px; overflow-wrap: anywhere; }
    h2 { margin: 0 0 8px; font-size: 19px; overflow-wrap: anywhere; }
    h3 { margin: 20px 0 4px; font-size: 15px; }
    header p, .facts { margin: 2px 0 14px; overflow-wrap: anywhere; }
    section { margin-top: 36px; }
    .dim { color: var(--dim); font-size: 13px; }
    .good { color: var(--good); }
    .bad { color: var(--bad); }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px; margin: 0; }
    .tiles div { background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 10px 12px; }
    .tiles dt { color: var(--dim); font-size: 13px; }
    .tiles dd { margin: 0; overflow-wrap: anywhere; }
    .tiles .dim { font-size: 12px; }
    .tiles .value { font-size: 20px; font-weight: 600; line-height: 1.4; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
    th, td { padding: 4px 18px 4px 0; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--rule); }
    th { color: var(--dim); font-weight: 600; }
    td:first-child { max-width: 260px; white-space: normal; overflow-wrap: break-word; }
    .number { text-align: right; }
    .text { min-width: 280px; white-space: normal; overflow-wrap: anywhere; }
    .lane { display: grid; grid-template-columns: 150px minmax(0, 1fr); gap: 12px; align-items: center; margin-bottom: 6px; }
    .lane > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 14px; }
    .lane svg { display: block; width: 100%; height: 14px; background: var(--panel); border-radius: 3px; }
    .lane rect { fill: var(--series); }
    .times { display: flex; justify-content: space-between; gap: 12px; color: var(--dim); font-size: 12px; }
    .times span:last-child { text-align: right; }
    h2 i, .legend i { display: inline-block; width: 11px; height: 11px; margin-right: 7px; border-radius: 3px;
      background: var(--series); }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 20px 32px; }
    .chart { display: grid; grid-template-columns: auto minmax(0, 1fr); margin: 0; }
    .chart figcaption { grid-column: 2; margin-bottom: 6px; font-size: 14px; font-weight: 600; overflow-wrap: anywhere; }
    .chart figcaption .dim { font-weight: 400; margin-left: 6px; }
    .chart .values { position: relative; width: 68px; color: var(--dim); font-size: 12px; }
    .chart .values span { position: absolute; right: 8px; transform: translateY(-50%); line-height: 1; }
    .chart svg { display: block; width: 100%; height: 120px; overflow: visible; }
    .chart .times { grid-column: 2; margin-top: 6px; }
    .grid { stroke: var(--grid); fill: none; }
    .band { fill: var(--line); fill-opacity: .22; stroke: none; }
    .line { stroke: var(--line); stroke-width: 1.3; stroke-linejoin: round; stroke-linecap: round; fill: none; }
    .map { display: block; width: 100%; height: auto; }
    .map rect { fill: var(--series); }
    .map .open { stroke: var(--ink); stroke-width: 1.4; }
    .legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 12px 0 0; padding: 0; list-style: none; }
    .legend .open { border: 1.5px solid var(--ink); }
    @media (max-width: 600px) {
    main { padding: 16px 12px 32px; }
    .lane { grid-template-columns: minmax(0, 1fr); gap: 2px; }
    .chart .values { width: 56px; }
    }
    @media print { section { break-inside: avoid; } }
    """
}
