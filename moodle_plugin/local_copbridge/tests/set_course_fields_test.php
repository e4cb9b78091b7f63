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

use local_copbridge\external\set_course_fields;
use local_copbridge\fixtures\provision_testcase;
use local_copbridge\local\provision\problem;

defined('MOODLE_INTERNAL') || die();

require_once(__DIR__ . '/fixtures/provision_testcase.php');

/**
 * Tests of setting custom course fields.
 *
 * @package    local_copbridge
 * @category   test
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\provision\course_fields
 * @covers     \local_copbridge\external\set_course_fields
 */
final class set_course_fields_test extends provision_testcase {
    /** @var string[] a value for each kind of field */
    private const VALUES = [
        'words' => 'COP & more', 'menu' => 'South', 'box' => '1', 'day' => '1800000000', 'long' => '<p>Hi</p>',
    ];

    /**
     * A field of each kind.
     */
    protected function setUp(): void {
        parent::setUp();
        $this->setAdminUser();
        $generator = $this->getDataGenerator()->get_plugin_generator('core_customfield');
        $category = $generator->create_category();
        $types = ['words' => 'text', 'menu' => 'select', 'box' => 'checkbox', 'day' => 'date', 'long' => 'textarea'];
        foreach ($types as $shortname => $type) {
            $config = $type === 'select' ? ['options' => "North\nSouth"] : ['locked' => 1];
            $generator->create_field([
                'categoryid' => $category->get('id'), 'shortname' => $shortname, 'type' => $type, 'configdata' => $config,
            ]);
        }
        $this->setUser($this->service);
    }

    /**
     * Sets fields.
     *
     * @param string[] $values
     * @return string[] outcomes by short name
     */
    private function set(array $values): array {
        $fields = array_map(
            fn(string $name, string $value): array => ['shortname' => $name, 'value' => $value],
            array_keys($values),
            $values
        );
        return array_column(set_course_fields::execute($this->course->id, $fields), 'outcome', 'shortname');
    }

    /**
     * Fields of each kind are set, once, and one event tells of them.
     */
    public function test_set(): void {
        $sink = $this->redirectEvents();
        $this->assertSame(array_fill_keys(array_keys(self::VALUES), 'changed'), $this->set(self::VALUES));
        $this->assertCount(1, $sink->get_events());
        $this->assertInstanceOf(\core\event\course_updated::class, $sink->get_events()[0]);
        $metadata = (array) \core_course\customfield\course_handler::create()->export_instance_data_object($this->course->id, true);
        $this->assertEquals(['COP &amp; more', 'South'], [$metadata['words'], $metadata['menu']]);
        $sink->clear();
        $this->assertSame(array_fill_keys(array_keys(self::VALUES), 'unchanged'), $this->set(self::VALUES));
        $this->assertSame([], $sink->get_events());
    }

    /**
     * An unknown field, or a value that a field cannot have: nothing is set, and the message names it.
     */
    public function test_refused(): void {
        global $DB;
        foreach (['nosuch' => 'x', 'menu' => 'West', 'box' => 'yes', 'day' => 'tomorrow'] as $name => $value) {
            try {
                $this->set(['words' => 'Not kept', $name => $value]);
                $this->fail("$name was set to $value");
            } catch (problem $problem) {
                $this->assertStringContainsString($name, $problem->getMessage());
            }
        }
        $this->assertSame(0, $DB->count_records('customfield_data'));
    }
}
