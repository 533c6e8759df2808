/** The page's only style sheet. Colours are chosen to be told apart without red and green, in light and in dark. */
export const STYLE = `
:root{color-scheme:light dark;
--paper:#f6f7f9;--card:#fff;--ink:#14181f;--quiet:#5b6573;--line:#e2e6ec;--rail:#e6eaf0;--accent:#0b63ce;--accent-ink:#fff;
--hit:#0f8f83;--stale:#d99a06;--miss:#c2417d;--bypass:#8792a2;--good:#0b7a53;--good-bg:#e3f5ec;--bad:#b3261e;--bad-bg:#fdecea;--warn:#9a6400;--plain-bg:#eceff4;
--shadow:0 1px 2px rgb(20 24 31/.06),0 1px 6px rgb(20 24 31/.04);--radius:12px;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){--paper:#0e1217;--card:#161c24;--ink:#e8ecf2;--quiet:#9aa6b5;--line:#27303b;--rail:#2a3440;--accent:#6cb2ff;--accent-ink:#08121f;
--hit:#35c4b5;--stale:#f2bf4b;--miss:#f07fb2;--bypass:#7d8998;--good:#5fd6a3;--good-bg:#12302a;--bad:#ff9d94;--bad-bg:#3a1a1b;--warn:#f2bf4b;--plain-bg:#232c37;--shadow:none}}
:root[data-theme=dark]{color-scheme:dark;--paper:#0e1217;--card:#161c24;--ink:#e8ecf2;--quiet:#9aa6b5;--line:#27303b;--rail:#2a3440;--accent:#6cb2ff;--accent-ink:#08121f;
--hit:#35c4b5;--stale:#f2bf4b;--miss:#f07fb2;--bypass:#7d8998;--good:#5fd6a3;--good-bg:#12302a;--bad:#ff9d94;--bad-bg:#3a1a1b;--warn:#f2bf4b;--plain-bg:#232c37;--shadow:none}
:root[data-theme=light]{color-scheme:light}
*,*::before,*::after{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.45 var(--sans);-webkit-text-size-adjust:100%}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:8px;top:-60px;background:var(--accent);color:var(--accent-ink);padding:8px 14px;border-radius:8px;z-index:9}
.skip:focus{top:8px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:6px}
header{position:sticky;top:0;z-index:5;background:var(--card);border-bottom:1px solid var(--line)}
.top,main,footer{max-width:1480px;margin:0 auto;padding:0 24px}
.top{display:flex;align-items:center;gap:16px;min-height:58px;flex-wrap:wrap}
h1{font-size:17px;margin:0;letter-spacing:-.01em;display:flex;align-items:center;gap:9px}
h1 svg{display:block}
h2{font-size:14px;margin:0;font-weight:650;letter-spacing:-.005em}
nav{display:flex;gap:2px;margin-left:4px;overflow-x:auto;scrollbar-width:none}
nav a{color:var(--quiet);text-decoration:none;padding:6px 10px;border-radius:8px;font-size:14px;white-space:nowrap}
nav a:hover{background:var(--plain-bg);color:var(--ink)}
.tools{margin-left:auto;display:flex;gap:8px;align-items:center}
.live{display:inline-flex;align-items:center;gap:7px;font-size:13px;color:var(--quiet);white-space:nowrap}
.live i{width:8px;height:8px;border-radius:50%;background:var(--bypass)}
.live[data-state=live] i{background:var(--good)}
.live[data-state=polling] i{background:var(--stale)}
.live[data-state=lost] i{background:var(--bad)}
button,select,input{font:inherit;color:inherit}
button{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:6px 12px;cursor:pointer;font-size:14px;min-height:36px}
button:hover:not(:disabled){border-color:var(--quiet)}
button:disabled{opacity:.5;cursor:default}
button.primary{background:var(--accent);border-color:var(--accent);color:var(--accent-ink);font-weight:600}
button.danger{color:var(--bad);border-color:currentColor}
button.small{padding:2px 9px;font-size:13px;min-height:28px;white-space:nowrap}
main{padding-top:18px;padding-bottom:32px;display:grid;grid-template-columns:minmax(0,1fr);gap:16px}
.state{display:flex;flex-wrap:wrap;gap:8px;align-items:center;font-size:13px}
.quiet{color:var(--quiet)}
.quiet b{color:var(--ink);font-weight:600}
.pill{padding:3px 10px;border-radius:99px;background:var(--plain-bg);font-weight:600;font-size:13px}
.pill.good{background:var(--good-bg);color:var(--good)}
.pill.bad{background:var(--bad-bg);color:var(--bad)}
.bad-text{color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(6,minmax(0,1fr));gap:12px;margin:0}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:var(--radius);box-shadow:var(--shadow)}
.tile{padding:14px 16px;min-width:0}
.tile dt{font-size:13px;color:var(--quiet)}
.tile dd{margin:0}
.tile .value{display:block;font-size:27px;font-weight:640;letter-spacing:-.025em;line-height:1.25;font-variant-numeric:tabular-nums;white-space:nowrap}
.tile.lead .value{color:var(--hit)}
.tile.warn .value{color:var(--warn)}
.tile .detail{display:block;font-size:12.5px;color:var(--quiet);min-height:2.7em;overflow-wrap:anywhere}
.share{vertical-align:1px}.tile .share .fill{fill:var(--accent)}.tile.warn .share .fill{fill:var(--warn)}
.charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:12px}
figure{margin:0;padding:14px 16px 8px;position:relative}
figcaption{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 14px;margin-bottom:4px}
.legend{display:flex;flex-wrap:wrap;gap:2px 12px;font-size:12.5px;color:var(--quiet);width:100%;min-height:1.5em;margin:0;padding:0;list-style:none}
.legend li{display:inline-flex;align-items:center;gap:5px;font-variant-numeric:tabular-nums}
.legend b{color:var(--ink);font-weight:600}
.swatch{width:16px;height:10px;flex:none}.swatch rect{stroke:none}.tip .swatch{filter:none}
.plot{display:block;width:100%;height:190px;touch-action:pan-y}
.plot text{font:11.5px var(--sans);fill:var(--quiet);font-variant-numeric:tabular-nums}
.grid{stroke:var(--line);stroke-width:1;shape-rendering:crispEdges}
.cursor{stroke:var(--quiet);stroke-width:1;stroke-dasharray:3 3}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.s-hit{fill:var(--hit);stroke:var(--hit);background:var(--hit)}.s-stale{fill:var(--stale);stroke:var(--stale);background:var(--stale)}
.s-miss{fill:var(--miss);stroke:var(--miss);background:var(--miss)}.s-bypass{fill:var(--bypass);stroke:var(--bypass);background:var(--bypass)}
.s-accent{fill:var(--accent);stroke:var(--accent);background:var(--accent)}
.line.s-hit,.line.s-stale,.line.s-miss,.line.s-bypass,.line.s-accent{fill:none}
.area{stroke:none;opacity:.88}
.under{stroke:none;opacity:.13}
.dash{stroke-dasharray:6 4}.dots{stroke-dasharray:1 4}
.tip{position:absolute;pointer-events:none;background:var(--ink);color:var(--paper);font-size:12.5px;padding:7px 10px;border-radius:8px;white-space:nowrap;z-index:3;font-variant-numeric:tabular-nums;top:44px}
.tip[hidden]{display:none}
.tip div{display:flex;gap:7px;align-items:center}
.tip span:last-child{margin-left:auto;padding-left:12px;font-weight:600}
.none{font-size:13px;fill:var(--quiet)}
.cols{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:12px;align-items:start}
.wide{grid-column:1/-1}
.card,.tile,.charts>*,.cols>*{min-width:0}
.card>h2,.card>.head{padding:13px 16px 10px}
.head{display:flex;flex-wrap:wrap;align-items:center;gap:8px 12px}
.head p{margin:0;color:var(--quiet);font-size:13px}
.scroll{overflow:auto;max-height:430px;border-top:1px solid var(--line);border-radius:0 0 var(--radius) var(--radius)}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
thead th{position:sticky;top:0;background:var(--card);font-weight:550;color:var(--quiet);font-size:12.5px;text-align:left;box-shadow:inset 0 -1px 0 var(--line);z-index:1}
th,td{padding:7px 12px;text-align:left;vertical-align:middle;white-space:nowrap}
th:first-child,td:first-child{padding-left:16px}
tbody tr+tr>*{border-top:1px solid var(--line)}
tbody th{font-weight:400;white-space:normal;overflow-wrap:anywhere;min-width:150px}
tbody tr:hover{background:color-mix(in srgb,var(--plain-bg) 55%,transparent)}
.num{text-align:right}
td code{white-space:nowrap;overflow-wrap:normal}td.text,td.text code{white-space:normal;overflow-wrap:anywhere}td.text{min-width:150px}td.text .tag{max-width:none;white-space:normal}
code{font:12.8px/1.5 var(--mono);overflow-wrap:anywhere;white-space:normal}
th code+.tags{margin-left:8px}.tags{display:inline-flex;flex-wrap:wrap;gap:4px;vertical-align:middle}
.tag{display:inline-block;background:var(--plain-bg);border-radius:6px;padding:1px 7px;font-size:12.5px;max-width:280px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;vertical-align:middle}
.bar{display:inline-flex;align-items:center;gap:8px}
.rail{fill:var(--rail)}.fill{fill:var(--hit)}
[data-section=limits] .fill,[data-section=busiest] .fill{fill:var(--miss)}
.empty{margin:0;padding:16px;color:var(--quiet);font-size:14px;border-top:1px solid var(--line)}
form{display:flex;flex-wrap:wrap;gap:10px;align-items:end;padding:2px 16px 14px}
.field{display:grid;gap:4px;font-size:13px;color:var(--quiet)}
.field.grow{flex:1 1 260px}
input[type=text],select{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:6px 10px;min-height:36px;width:100%;color:var(--ink)}
.check{display:inline-flex;gap:7px;align-items:center;min-height:36px;font-size:14px}
.check input{width:17px;height:17px;accent-color:var(--accent)}
.result{padding:0 16px 14px;font-size:14px}
.result:empty{display:none}
.result ul{margin:6px 0 0;padding-left:18px;max-height:180px;overflow:auto}
dialog{border:1px solid var(--line);border-radius:var(--radius);background:var(--card);color:var(--ink);max-width:440px;padding:22px}
dialog::backdrop{background:rgb(10 14 20/.5)}
dialog h2{font-size:17px}
dialog p{color:var(--quiet)}
dialog form{padding:0;display:flex;justify-content:flex-end}
footer{padding-bottom:28px;color:var(--quiet);font-size:13px}

@media (max-width:1180px){.tiles{grid-template-columns:repeat(3,minmax(0,1fr))}}
@media (max-width:860px){.charts,.cols{grid-template-columns:minmax(0,1fr)}.top,main,footer{padding-left:14px;padding-right:14px}header{position:static}.tools{margin-left:0;width:100%;padding-bottom:10px}nav{order:3;width:100%;padding-bottom:8px;margin:0}.top{padding-top:10px;gap:8px 12px}}
@media (max-width:560px){th code+.tags{display:flex;margin:3px 0 0}.top{gap:6px 10px}.tools{width:auto;margin-left:auto;padding:0}nav{width:100%}.tools button{padding:4px 10px;min-height:34px}h1{font-size:16px}main{gap:12px;padding-top:14px}.state .quiet{width:100%}.tile .detail{min-height:0}tbody th{min-width:130px}.field.grow{flex-basis:100%}.tiles{grid-template-columns:repeat(2,minmax(0,1fr));gap:8px}.tile{padding:11px 12px}.tile .value{font-size:22px}figure{padding:12px 12px 6px}th,td{padding:7px 9px}}
@media (prefers-reduced-motion:no-preference){.live[data-state=live] i{animation:beat 2s infinite}@keyframes beat{50%{opacity:.35}}}
@media (forced-colors:active){.pill,.tag{border:1px solid}}
`;
