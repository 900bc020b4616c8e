// The official divisions of China as a compact tree of names: [[province, [[city, [district, …]], …]], …].
// Steps of the table that name no place (省直辖县, 县) are left out: what is below them stands where people write it.
import { areaList } from "@vant/area-data";

const FILLERS = { 省直辖县: "above", 自治区直辖县级行政区划: "above", 县: "beside" };

export function regions() {
  const { province_list: provinces, city_list: cities, county_list: counties } = areaList;
  const below = (list, code, digits) => Object.keys(list).filter((key) => key.startsWith(code.slice(0, digits)));
  return Object.entries(provinces).map(([code, province]) => {
    const made = [];
    for (const city of below(cities, code, 2)) {
      const districts = below(counties, city, 4).map((key) => counties[key]);
      const filler = FILLERS[cities[city]];
      if (filler === "above") made.push(...districts.map((name) => [name, []]));
      else if (filler === "beside") made.at(-1)[1].push(...districts);
      else made.push([cities[city], districts]);
    }
    return [province, made];
  });
}
