package tdseg.fiji.table;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Typed access to the fields of a JSON object; what is absent is empty, zero or false. */
public final class Fields {
    private final Map<?, ?> map;

    /** Wraps a JSON object; null is an empty one. */
    public Fields(Object map) {
        this.map = map == null ? Collections.emptyMap() : (Map<?, ?>) map;
    }

    /** Returns the value of a field as it is, or null. */
    public Object get(String name) {
        return map.get(name);
    }

    public boolean has(String name) {
        return map.get(name) != null;
    }

    public Set<String> names() {
        return map(map).keySet();
    }

    public String text(String name) {
        Object value = map.get(name);
        return value == null ? "" : value.toString();
    }

    public boolean flag(String name) {
        return Boolean.TRUE.equals(map.get(name));
    }

    public int whole(String name) {
        Object value = map.get(name);
        return value == null ? 0 : ((Number) value).intValue();
    }

    public double number(String name) {
        Object value = map.get(name);
        return value == null ? 0 : ((Number) value).doubleValue();
    }

    /** Returns a number, or null where there is none. */
    public Double numberOrNull(String name) {
        return has(name) ? Double.valueOf(number(name)) : null;
    }

    public Fields object(String name) {
        return new Fields(map.get(name));
    }

    public Map<String, Object> map(String name) {
        Object value = map.get(name);
        return value == null ? Collections.emptyMap() : map((Map<?, ?>) value);
    }

    public List<?> list(String name) {
        Object value = map.get(name);
        return value == null ? Collections.emptyList() : (List<?>) value;
    }

    public List<String> texts(String name) {
        List<String> found = new ArrayList<>();
        for (Object item : list(name)) {
            found.add(item == null ? null : item.toString());
        }
        return found;
    }

    public List<Fields> objects(String name) {
        List<Fields> found = new ArrayList<>();
        for (Object item : list(name)) {
            found.add(new Fields(item));
        }
        return found;
    }

    public int[] wholes(String name) {
        return list(name).stream().mapToInt(item -> ((Number) item).intValue()).toArray();
    }

    @SuppressWarnings("unchecked") // JSON has no other names than strings
    private static Map<String, Object> map(Map<?, ?> any) {
        return (Map<String, Object>) any;
    }
}
