<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge;

use local_copbridge\local\hours;
use local_copbridge\local\hours_input;

/**
 * Tests of hours as people type them.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\hours_input
 */
final class hours_input_test extends \advanced_testcase {
    /**
     * What people type, as minutes.
     *
     * @dataProvider typed
     * @param string $typed
     * @param int|null|false $minutes
     */
    public function test_parse(string $typed, int|null|false $minutes): void {
        $this->assertSame($minutes, hours_input::parse($typed));
    }

    /**
     * What people type.
     *
     * @return array[]
     */
    public static function typed(): array {
        return [
            ['', null], ['  ', null], ['0', 0], ['1.5', 90], ['1,5', 90], [' 1.5 ', 90], ["1.5\u{a0}", 90], ['.25', 15],
            ['2.', 120], ['0.33', 20], ['1:30', 90], ['100', 6000], ['100.01', 6001], ['1:75', false], ['1.555', false],
            ['1,500', false], ['1.2.3', false], ['-1', false], ['1e2', false], ['one', false], ['99999', false],
            ["1\n", 60], ['1 000', false], ['0x1A', false],
        ];
    }

    /**
     * Each minute of an hour survives being shown and read again.
     */
    public function test_format(): void {
        foreach ([...range(0, 120), ...range(hours::MAX_MINUTES - 60, hours::MAX_MINUTES)] as $minutes) {
            $this->assertSame($minutes, hours_input::parse(hours_input::format($minutes)));
        }
        $this->assertSame('1.5', hours_input::format(90));
        $this->assertSame('0', hours_input::format(0));
        $this->assertSame('', hours_input::format(null));
    }

    /**
     * Where decimals have a comma, hours are shown with one.
     */
    public function test_locale(): void {
        global $CFG, $SESSION;
        $this->resetAfterTest();
        check_dir_exists("$CFG->dataroot/lang/xx");
        file_put_contents("$CFG->dataroot/lang/xx/langconfig.php", '<?php $string["decsep"] = ",";');
        get_string_manager()->reset_caches(true);
        $SESSION->lang = 'xx';
        $this->assertSame('1,5', hours_input::format(90));
        $this->assertSame(90, hours_input::parse('1,5'));
        $this->assertSame(90, hours_input::parse('1.5'));
    }

    /**
     * What is wrong with what was typed.
     */
    public function test_problems(): void {
        $fields = fn(string $hours, string $component): array => array_keys((new hours_input($hours, $component))->problems());
        $this->assertSame([], $fields('', ''));
        $this->assertSame([], $fields('100', 'face_to_face'));
        $this->assertSame(['hours'], $fields('100.1', ''));
        $this->assertSame(['hours'], $fields('x', ''));
        $this->assertSame(['hours'], $fields('', 'online'));
        $this->assertSame(['component'], $fields('1', 'two words'));
    }

    /**
     * Only what the person changed is written, and never over what somebody else did meanwhile.
     */
    public function test_conflict(): void {
        $this->resetAfterTest();
        $row = (object) ['minutes' => '120', 'component' => '', 'usermodified' => get_admin()->id, 'courseid' => SITEID];
        $untouched = new hours_input('1.5', '');
        $this->assertFalse($untouched->changes($row, '90:'));
        $this->assertNull($untouched->conflict($row, '90:'));
        $same = new hours_input('2', '');
        $this->assertFalse($same->changes($row, '90:'));
        $other = new hours_input('3', '');
        $this->assertTrue($other->changes($row, '90:'));
        $this->assertStringContainsString('2 hours', $other->conflict($row, '90:'));
        $this->assertNull($other->conflict($row, '120:'));
        $this->assertNotNull($other->conflict(null, '90:'));
        $this->assertNull($other->conflict(null, ''));
    }

    /**
     * The select holds the program's components, and what is declared already.
     */
    public function test_components(): void {
        $this->assertNull(hours_input::components(null));
        $told = (object) ['components' => ['online', 'virtual']];
        $this->assertSame(['', 'online', 'virtual'], array_keys(hours_input::components($told)));
        $this->assertSame(['', 'online', 'virtual', 'old'], array_keys(hours_input::components($told, 'old')));
        $this->assertSame('Online', hours_input::components($told)['online']);
    }
}
