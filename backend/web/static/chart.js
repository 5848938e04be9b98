// Draws what pages say in data-chart: {kind, labels, series: [{name, values}], unit, most}.
'use strict'
{
  const COLOURS = ['#0a655b', '#b35900', '#1a5fb4', '#7a3e9d', '#6f7b78']
  const INK = '#17201e'
  const SIGNS = ['circle', 'rect', 'triangle', 'diamond', 'roundRect'] // not by colour alone
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches

  const options = ({ kind, labels, series, unit, most }) => ({
    animation: !still,
    color: COLOURS,
    textStyle: { fontFamily: 'inherit', color: INK, fontSize: 14 },
    tooltip: { trigger: 'axis', renderMode: 'richText', valueFormatter: (value) => (value === null || value === undefined ? '人数太少，不显示' : value + (unit || '')) },
    legend: { show: series.length > 1, top: 0, textStyle: { color: INK } },
    grid: { left: 8, right: 16, top: series.length > 1 ? 36 : 16, bottom: 8, containLabel: true },
    xAxis: { type: 'category', data: labels, axisLabel: { color: INK, hideOverlap: true } },
    yAxis: { type: 'value', min: 0, max: most, axisLabel: { color: INK, formatter: '{value}' + (unit || '') } },
    series: series.map(({ name, values }, at) => ({
      name, type: kind, data: values, symbol: SIGNS[at % SIGNS.length], symbolSize: 8, barMaxWidth: 36, connectNulls: false,
    })),
  })

  const draw = (box) => {
    const chart = echarts.init(box, null, { renderer: 'svg' })
    chart.setOption(options(JSON.parse(box.dataset.chart)))
    new ResizeObserver(() => chart.resize()).observe(box)
  }

  const drawAll = (root) => {
    for (const box of root.querySelectorAll('[data-chart]:not([data-drawn])')) {
      box.dataset.drawn = 'yes'
      draw(box)
    }
  }

  drawAll(document)
  document.addEventListener('htmx:afterSwap', ({ target }) => drawAll(target))
}
