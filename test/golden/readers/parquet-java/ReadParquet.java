import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.Version;
import org.apache.parquet.avro.AvroReadSupport;
import org.apache.parquet.avro.AvroSchemaConverter;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.filter2.compat.FilterCompat;
import org.apache.parquet.filter2.predicate.FilterApi;
import org.apache.parquet.filter2.predicate.FilterPredicate;
import org.apache.parquet.filter2.predicate.Operators.Column;
import org.apache.parquet.filter2.predicate.Operators.SupportsLtGt;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.IntLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.Type;

/**
 * parquet-java as a reader: java -cp 'lib/*' ReadParquet.java JOBS groups|avro
 *
 * groups: its own object model. avro: records of Avro, as most programs on the JVM read; lists in
 * three levels need add-list-element-records=false there, whoever wrote them.
 * Jobs, answers and values are those of canonical.py. Filters use statistics, dictionaries, page
 * indexes and Bloom filters.
 */
public class ReadParquet {
  static final ObjectMapper json = new ObjectMapper();
  static final Configuration configuration = new Configuration();

  public static void main(String[] arguments) throws Exception {
    boolean isAvro = arguments[1].equals("avro");
    configuration.setBoolean(AvroReadSupport.READ_INT96_AS_FIXED, true);
    configuration.setBoolean(AvroSchemaConverter.ADD_LIST_ELEMENT_RECORDS, false);
    configuration.setBoolean("parquet.page.verify-checksum.enabled", true);
    System.out.println(json.createObjectNode().put("version", Version.VERSION_NUMBER));
    for (JsonNode job : json.readTree(new File(arguments[0]))) {
      Path file = new Path(job.get("file").asText());
      ObjectNode answer = json.createObjectNode();
      answer.set("name", job.get("name"));
      answer.set("rows", attempted(() -> isAvro ? AvroRows.of(file) : rows(file)));
      ArrayNode counts = answer.putArray("counts");
      for (JsonNode filter : job.get("filters")) counts.add(attempted(() -> count(file, filter)));
      System.out.println(json.writeValueAsString(answer));
    }
  }

  interface Work {
    JsonNode run() throws Exception;
  }

  static JsonNode attempted(Work work) {
    try {
      return work.run();
    } catch (Exception | LinkageError | StackOverflowError error) {
      Throwable cause = error;
      while (cause.getCause() != null) cause = cause.getCause();
      String line = String.valueOf(cause.getMessage()).split("\n")[0];
      String bare = line.replaceAll("(file:)?/[\\w./=-]+/", "").replaceAll("@[0-9a-f]{6,}", "");
      String message = cause.getClass().getSimpleName() + ": " + bare;
      return json.createObjectNode().put("error", message.substring(0, Math.min(300, message.length())));
    }
  }

  static MessageType schemaOf(Path file) throws Exception {
    HadoopInputFile input = HadoopInputFile.fromPath(file, configuration);
    try (ParquetFileReader reader = ParquetFileReader.open(input)) {
      return reader.getFileMetaData().getSchema();
    }
  }

  static <T> ParquetReader<T> opened(Path file, ReadSupport<T> support, FilterCompat.Filter filter)
      throws Exception {
    return ParquetReader.builder(support, file)
        .withConf(configuration)
        .withFilter(filter)
        .usePageChecksumVerification(true)
        .useStatsFilter(true)
        .useDictionaryFilter(true)
        .useColumnIndexFilter(true)
        .useBloomFilter(true)
        .useRecordFilter(true)
        .build();
  }

  static JsonNode rows(Path file) throws Exception {
    MessageType schema = schemaOf(file);
    ArrayNode rows = json.createArrayNode();
    try (ParquetReader<Group> reader = opened(file, new GroupReadSupport(), FilterCompat.NOOP)) {
      for (Group row = reader.read(); row != null; row = reader.read()) rows.add(shownGroup(schema, row));
    }
    return rows;
  }

  static JsonNode count(Path file, JsonNode filter) throws Exception {
    PrimitiveType type = schemaOf(file).getType(filter.get("column").asText()).asPrimitiveType();
    FilterCompat.Filter pushed = FilterCompat.get(predicate(type, filter));
    long count = 0;
    try (ParquetReader<Group> reader = opened(file, new GroupReadSupport(), pushed)) {
      while (reader.read() != null) count++;
    }
    return json.getNodeFactory().numberNode(count);
  }

  static FilterPredicate predicate(PrimitiveType type, JsonNode filter) {
    String column = type.getName();
    String operator = filter.get("operator").asText();
    JsonNode value = filter.get("value");
    switch (type.getPrimitiveTypeName()) {
      case INT32:
        return compared(FilterApi.intColumn(column), operator, (int) Long.parseLong(value.get("int").asText()));
      case INT64:
        return compared(FilterApi.longColumn(column), operator, new BigInteger(value.get("int").asText()).longValue());
      case DOUBLE:
        return compared(FilterApi.doubleColumn(column), operator, Double.parseDouble(value.get("float").asText()));
      case BINARY:
        return compared(FilterApi.binaryColumn(column), operator, Binary.fromString(value.asText()));
      default:
        throw new IllegalArgumentException("no filter on " + type);
    }
  }

  static <T extends Comparable<T>, C extends Column<T> & SupportsLtGt> FilterPredicate compared(
      C column, String operator, T value) {
    if (operator.equals("=")) return FilterApi.eq(column, value);
    return operator.equals("<") ? FilterApi.lt(column, value) : FilterApi.gt(column, value);
  }

  static ObjectNode shownGroup(GroupType type, Group group) {
    ObjectNode shown = json.createObjectNode();
    for (int field = 0; field < type.getFieldCount(); field++) {
      Type each = type.getType(field);
      boolean isThere = group.getFieldRepetitionCount(field) > 0;
      shown.set(each.getName(), isThere ? shownField(each, group, field, 0) : null);
    }
    return shown;
  }

  static JsonNode shownField(Type type, Group group, int field, int index) {
    if (type.isPrimitive()) return shownValue(type.asPrimitiveType(), group, field, index);
    Group inner = group.getGroup(field, index);
    GroupType innerType = type.asGroupType();
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    if (LogicalTypeAnnotation.listType().equals(logical)) return shownList(innerType, inner);
    if (LogicalTypeAnnotation.mapType().equals(logical)) return shownMap(innerType, inner);
    return shownGroup(innerType, inner);
  }

  static ArrayNode shownList(GroupType type, Group list) {
    ArrayNode shown = json.createArrayNode();
    Type element = type.getType(0).asGroupType().getType(0);
    for (int at = 0; at < list.getFieldRepetitionCount(0); at++) {
      shown.add(shownField(element, list.getGroup(0, at), 0, 0));
    }
    return shown;
  }

  static ObjectNode shownMap(GroupType type, Group map) {
    ArrayNode entries = json.createArrayNode();
    GroupType entry = type.getType(0).asGroupType();
    for (int at = 0; at < map.getFieldRepetitionCount(0); at++) {
      Group each = map.getGroup(0, at);
      boolean hasValue = each.getFieldRepetitionCount(1) > 0;
      entries.addArray()
          .add(shownField(entry.getType(0), each, 0, 0))
          .add(hasValue ? shownField(entry.getType(1), each, 1, 0) : null);
    }
    return json.createObjectNode().set("map", entries);
  }

  static JsonNode shownValue(PrimitiveType type, Group group, int field, int index) {
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    switch (type.getPrimitiveTypeName()) {
      case BOOLEAN:
        return json.getNodeFactory().booleanNode(group.getBoolean(field, index));
      case INT32:
        int small = group.getInteger(field, index);
        return integer(isUnsigned(logical) ? Integer.toUnsignedString(small) : Integer.toString(small));
      case INT64:
        long big = group.getLong(field, index);
        if (logical instanceof TimestampLogicalTypeAnnotation time) return time(big, time);
        return integer(isUnsigned(logical) ? Long.toUnsignedString(big) : Long.toString(big));
      case INT96:
        return int96(group.getInt96(field, index).getBytes());
      case FLOAT:
        return fraction(group.getFloat(field, index));
      case DOUBLE:
        return fraction(group.getDouble(field, index));
      default:
        Binary bytes = group.getBinary(field, index);
        boolean isText = LogicalTypeAnnotation.stringType().equals(logical);
        return isText ? json.getNodeFactory().textNode(bytes.toStringUsingUTF8()) : hex(bytes.getBytes());
    }
  }

  static boolean isUnsigned(LogicalTypeAnnotation logical) {
    return logical instanceof IntLogicalTypeAnnotation integer && !integer.isSigned();
  }

  static ObjectNode integer(String digits) {
    return json.createObjectNode().put("int", digits);
  }

  static ObjectNode hex(byte[] bytes) {
    StringBuilder digits = new StringBuilder();
    for (byte each : bytes) digits.append(String.format("%02x", each));
    return json.createObjectNode().put("bytes", digits.toString());
  }

  static ObjectNode time(long value, TimestampLogicalTypeAnnotation type) {
    switch (type.getUnit()) {
      case MILLIS:
        return micros(value * 1_000);
      case MICROS:
        return micros(value);
      default:
        return nanos(BigInteger.valueOf(value));
    }
  }

  static ObjectNode micros(long value) {
    return json.createObjectNode().put("micros", Long.toString(value));
  }

  static ObjectNode nanos(BigInteger value) {
    BigInteger[] parts = value.divideAndRemainder(BigInteger.valueOf(1_000));
    boolean isWhole = parts[1].signum() == 0;
    return isWhole ? micros(parts[0].longValueExact()) : json.createObjectNode().put("nanos", value.toString());
  }

  /** Nanoseconds of the day, then the Julian day. */
  static ObjectNode int96(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long ofDay = buffer.getLong();
    long day = buffer.getInt() - 2_440_588L;
    BigInteger dayNanos = BigInteger.valueOf(86_400_000_000_000L);
    return nanos(BigInteger.valueOf(day).multiply(dayNanos).add(BigInteger.valueOf(ofDay)));
  }

  /** As Python's float.hex. */
  static ObjectNode fraction(double value) {
    return json.createObjectNode().put("float", hexFraction(value));
  }

  static String hexFraction(double value) {
    if (Double.isNaN(value)) return "nan";
    if (Double.isInfinite(value)) return value > 0 ? "inf" : "-inf";
    long bits = Double.doubleToRawLongBits(value);
    String sign = bits < 0 ? "-" : "";
    int exponent = (int) (bits >> 52 & 0x7ff);
    long rest = bits & 0xf_ffff_ffff_ffffL;
    if (exponent == 0 && rest == 0) return sign + "0x0.0p+0";
    if (exponent == 0) return sign + String.format("0x0.%013xp-1022", rest);
    return sign + String.format("0x1.%013xp%+d", rest, exponent - 1_023);
  }

  /** Rows as records of Avro. */
  static final class AvroRows {
    static JsonNode of(Path file) throws Exception {
      ArrayNode rows = json.createArrayNode();
      ReadSupport<Object> support = new AvroReadSupport<>();
      try (ParquetReader<Object> reader = opened(file, support, FilterCompat.NOOP)) {
        for (Object row = reader.read(); row != null; row = reader.read()) rows.add(shown(row, null));
      }
      return rows;
    }

    static JsonNode shown(Object value, org.apache.avro.Schema schema) {
      if (value == null) return json.nullNode();
      if (value instanceof org.apache.avro.generic.GenericRecord record) return shownRecord(record);
      if (value instanceof org.apache.avro.generic.GenericFixed fixed) return int96(fixed.bytes());
      if (value instanceof List<?> list) {
        ArrayNode all = json.createArrayNode();
        for (Object each : list) all.add(shown(each, notNull(schema).getElementType()));
        return all;
      }
      if (value instanceof java.util.Map<?, ?> map) return shownMap(map, notNull(schema).getValueType());
      return shownScalar(value, notNull(schema));
    }

    static ObjectNode shownRecord(org.apache.avro.generic.GenericRecord record) {
      ObjectNode all = json.createObjectNode();
      for (org.apache.avro.Schema.Field field : record.getSchema().getFields()) {
        all.set(field.name(), shown(record.get(field.pos()), field.schema()));
      }
      return all;
    }

    static ObjectNode shownMap(java.util.Map<?, ?> map, org.apache.avro.Schema type) {
      ArrayNode entries = json.createArrayNode();
      map.forEach((key, each) -> entries.addArray().add(key.toString()).add(shown(each, type)));
      return json.createObjectNode().set("map", entries);
    }

    static org.apache.avro.Schema notNull(org.apache.avro.Schema schema) {
      if (schema.getType() != org.apache.avro.Schema.Type.UNION) return schema;
      List<org.apache.avro.Schema> kinds = new ArrayList<>(schema.getTypes());
      kinds.removeIf(each -> each.getType() == org.apache.avro.Schema.Type.NULL);
      return kinds.get(0);
    }

    static JsonNode shownScalar(Object value, org.apache.avro.Schema schema) {
      if (value instanceof Boolean flag) return json.getNodeFactory().booleanNode(flag);
      if (value instanceof CharSequence text) return json.getNodeFactory().textNode(text.toString());
      if (value instanceof Float || value instanceof Double) return fraction(((Number) value).doubleValue());
      if (value instanceof ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return hex(copy);
      }
      String logical = schema.getLogicalType() == null ? "" : schema.getLogicalType().getName();
      if (logical.equals("timestamp-micros")) return micros((Long) value);
      if (logical.equals("timestamp-millis")) return micros((Long) value * 1_000);
      return integer(value.toString());
    }
  }
}
