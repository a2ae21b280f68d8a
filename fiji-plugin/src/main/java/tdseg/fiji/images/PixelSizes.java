package tdseg.fiji.images;

import ij.ImagePlus;
import ij.measure.Calibration;

/** Pixel and frame size of an image, without the meaning of its values. */
final class PixelSizes {
    final double width;
    final double height;
    final double depth;
    final String unit;
    final String unitY;
    final String unitZ;
    final double interval;
    final String timeUnit;
    final double x;
    final double y;
    final double z;

    private PixelSizes(Calibration calibration) {
        width = calibration.pixelWidth;
        height = calibration.pixelHeight;
        depth = calibration.pixelDepth;
        unit = named(calibration.getUnit());
        unitY = named(calibration.getYUnit()).equals(unit) ? "" : named(calibration.getYUnit());
        unitZ = named(calibration.getZUnit()).equals(unit) ? "" : named(calibration.getZUnit());
        interval = calibration.frameInterval;
        timeUnit = calibration.getTimeUnit();
        x = calibration.xOrigin;
        y = calibration.yOrigin;
        z = calibration.zOrigin;
    }

    static PixelSizes of(ImagePlus imp) {
        return new PixelSizes(imp.getCalibration());
    }

    /** Gives an image these sizes. */
    void apply(ImagePlus imp) {
        Calibration calibration = imp.getCalibration();
        calibration.pixelWidth = width;
        calibration.pixelHeight = height;
        calibration.pixelDepth = depth;
        calibration.setUnit(unit);
        calibration.setYUnit(unitY.isEmpty() ? null : unitY);
        calibration.setZUnit(unitZ.isEmpty() ? null : unitZ);
        calibration.frameInterval = interval;
        calibration.setTimeUnit(timeUnit);
        calibration.xOrigin = x;
        calibration.yOrigin = y;
        calibration.zOrigin = z;
        imp.setCalibration(calibration);
    }

    private static String named(String unit) {
        String found = unit == null ? "" : unit.trim();
        return found.isEmpty() ? "pixel" : found;
    }
}
