/** The source CSV: read once into events, and summed per day for the comparison. */
import { readFileSync } from 'node:fs'

/** What the source says of one day of departures; sums leave absent values out. */
export interface DayFigures {
  flights: number
  distance: number
  departureDelay: number
  airTime: number
}

interface FlightEvent {
  readonly eventTimeMs: number
  readonly body: Readonly<Record<string, number | string>>
}

export interface FlightSource {
  readonly events: readonly FlightEvent[]
  /** By "2013-01-31". */
  readonly days: ReadonlyMap<string, DayFigures>
}

const numbers: Readonly<Record<string, string>> = {
  year: 'year',
  month: 'month',
  day: 'day',
  dep_time: 'departure_time',
  sched_dep_time: 'scheduled_departure_time',
  dep_delay: 'departure_delay',
  arr_time: 'arrival_time',
  sched_arr_time: 'scheduled_arrival_time',
  arr_delay: 'arrival_delay',
  flight: 'flight',
  air_time: 'air_time',
  distance: 'distance',
}
const texts: Readonly<Record<string, string>> = {
  carrier: 'carrier',
  tailnum: 'tail_number',
  origin: 'origin',
  dest: 'destination',
}

/**
 * The file has its months in the order 1, 10, 11, 12, 2, …; the topic has them as a year brings
 * them. Sent as they stand, February would come behind December's watermark, and its rows be late
 * whenever a commit fell in between. Within a day they keep their order.
 *
 * @param path of flights.csv.
 */
export function readFlights(path: string): FlightSource {
  const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split('\n')
  const names = header.trim().split(',')
  const days = new Map<string, DayFigures>()
  const flights = lines.map((line) => {
    const values = line.trim().split(',')
    const cells = Object.fromEntries(values.map((cell, index) => [names[index] ?? '', cell]))
    const day = dayOf(cells)
    addToDay(days, day, cells)
    return { day, event: eventOf(cells) }
  })
  flights.sort((a, b) => (a.day < b.day ? -1 : Number(a.day > b.day)))
  return { events: flights.map(({ event }) => event), days }
}

function dayOf(cells: Readonly<Record<string, string>>): string {
  const two = (column: string): string => (cells[column] ?? '').padStart(2, '0')
  return `${cells['year']}-${two('month')}-${two('day')}`
}

function eventOf(cells: Readonly<Record<string, string>>): FlightEvent {
  const body: Record<string, number | string> = {}
  for (const [column, field] of Object.entries(numbers)) {
    const cell = cells[column]
    if (cell !== undefined && cell !== 'NA') body[field] = Number(cell)
  }
  for (const [column, field] of Object.entries(texts)) {
    const cell = cells[column]
    if (cell !== undefined && cell !== 'NA') body[field] = cell
  }
  const hourMs = Date.parse(cells['time_hour'] ?? '')
  return { eventTimeMs: hourMs + Number(cells['minute']) * 60_000, body }
}

function addToDay(
  days: Map<string, DayFigures>,
  day: string,
  cells: Readonly<Record<string, string>>,
): void {
  const figures = days.get(day) ?? { flights: 0, distance: 0, departureDelay: 0, airTime: 0 }
  const value = (column: string): number => {
    const cell = cells[column]
    return cell === undefined || cell === 'NA' ? 0 : Number(cell)
  }
  figures.flights += 1
  figures.distance += value('distance')
  figures.departureDelay += value('dep_delay')
  figures.airTime += value('air_time')
  days.set(day, figures)
}
