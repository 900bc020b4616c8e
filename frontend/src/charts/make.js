// ECharts with what the charts of reports need and no more.
import { BarChart, GaugeChart, HeatmapChart, LineChart, PieChart, RadarChart, ScatterChart, TreemapChart } from "echarts/charts";
import { DataZoomInsideComponent, DataZoomSliderComponent, GridComponent, LegendScrollComponent, MarkLineComponent, RadarComponent, TooltipComponent, VisualMapContinuousComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { LegacyGridContainLabel } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";

use([
  BarChart, GaugeChart, HeatmapChart, LineChart, PieChart, RadarChart, ScatterChart, TreemapChart,
  DataZoomInsideComponent, DataZoomSliderComponent, GridComponent, LegendScrollComponent, MarkLineComponent, RadarComponent,
  TooltipComponent, VisualMapContinuousComponent, LegacyGridContainLabel, CanvasRenderer,
]);

/** A chart in an element; on canvas, since styles of a drawing are not of the page's policy. */
export default function make(place) {
  return init(place, null, { renderer: "canvas" });
}
