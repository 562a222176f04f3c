// The examples of the guides, each as it stands there; GuideTests compares them. They use one directory, in this order.
import NanoTS
import NanoTSRecords

func start() throws {
  let options = StoreOptions(blockSize: 1 << 20, blockCount: 256, timeUnit: .microseconds)
  let store = try Store.create(at: "plant.nts", options, replacing: true)

  let writer = try store.writer(for: "boiler/pressure", metadata: "bar, Float64")
  for second in 0..<600 {
    try writer.append(value: 4.2 + Double(second % 60) / 100, at: Int64(second) * 1_000_000)
  }
  try writer.close()

  let firstMinute: ClosedRange<Int64> = 0...59_999_999
  for frame in try store.frames(of: "boiler/pressure", in: firstMinute) {
    _ = try frame.load(as: Double.self)
  }

  var cursor = try store.cursor(of: "boiler/pressure")
  let newest = try cursor.last()
  let atNoon = try cursor.seek(to: 300_000_000)
  print(newest?.timestamp ?? 0, atNoon?.ordinal ?? 0)
}

func concurrency() throws {
  let store = try Store(at: "plant.nts", .following)
  var follower = try store.follow(["boiler/pressure"], from: .oldest)
  var total = 0.0
  while let followed = try follower.next(waitingMilliseconds: 0) {
    total += try followed.frame.load(as: Double.self)
  }
  print(total)
}

func choosingDurability() throws {
  let store = try Store(at: "plant.nts")
  let alarms = try store.writer(for: "alarms", options: WriterOptions(durability: .everyFrame))
  try alarms.append(Array("valve 3 stuck".utf8), at: 601_000_000)
  let vibration = try store.writer(for: "vibration", options: WriterOptions(durability: .interval(milliseconds: 500)))
  try vibration.append(value: 0.25, at: 601_000_000)
  try vibration.flush()
  try alarms.close()
  try vibration.close()
}

func recovery() throws {
  let store = try Store(at: "plant.nts", .snapshot)
  let report = try store.verify()
  for finding in report.findings { print(finding) }
  if !report.isClean {
    let saved = try Store.recover("plant.nts", to: "plant-saved.nts")
    print(saved.isWhole)
  }
}

func nanoTS() throws {
  let store = try Store.create(at: "machine.nts", StoreOptions(blockSize: 1 << 20, blockCount: 64))
  let writer = try store.writer(for: "temperature", metadata: "sensor 7")
  try writer.append(value: 21.5, at: 1_000)
  for frame in try store.frames(of: "temperature", in: 0...2_000) {
    print(frame.timestamp, try frame.load(as: Double.self))
  }
}

func nanoTSRecords() throws {
  struct Motion: Record {
    var ax, ay, az: Float
    static let units = ["ax": "g", "ay": "g", "az": "g"]
  }

  let store = try Store.create(at: "imu.nts", replacing: true)
  let writer = try store.recordWriter(for: "imu", of: Motion.self)
  try writer.append(Motion(ax: 0, ay: 0, az: 1), at: 1_000_000)

  var records = try store.records(of: "imu", as: Motion.self)
  while let found = try records.next() { print(found.timestamp, found.record.az) }

  let perSecond = try store.aggregates(of: "az", in: "imu", every: 1_000_000_000)
  for span in perSecond.spans { print(span.start, span.minimum, span.mean, span.maximum) }
}

for example in [start, concurrency, choosingDurability, recovery, nanoTS, nanoTSRecords] { try example() }
